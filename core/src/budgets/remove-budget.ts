import { notFound, PlatformError } from '../errors.ts'
import { type CoreParts, inTransaction } from '../sessions/change-session.ts'
import { type BudgetScope, readStopped, resumeStopped } from './set-budget.ts'

/** Takes a cap away. A cap that an operator set, only an operator can. */
export const removeBudget = async (
  parts: CoreParts,
  input: { tenantId: string; keyId: string; setBy: 'OPERATOR' | 'TENANT'; budgetId: string },
): Promise<void> => {
  const stopped = await inTransaction(parts.db, async (client) => {
    await client.query("select set_config('longhaul.tenant', $1, true)", [input.tenantId])
    const { rows } = await client.query<{ scope: BudgetScope; scope_id: string; set_by: string }>(
      'select scope, scope_id, set_by from budget where id = $1 and tenant_id = $2 for update',
      [input.budgetId, input.tenantId],
    )
    const [budget] = rows
    if (budget === undefined) throw notFound('budget', input.budgetId)
    if (budget.set_by !== input.setBy) {
      throw new PlatformError(
        'FORBIDDEN',
        `Budget ${input.budgetId} was set by the ${budget.set_by.toLowerCase()}: nobody else can remove it.`,
      )
    }
    await client.query('delete from budget where id = $1', [input.budgetId])
    return readStopped(client, { tenantId: input.tenantId, scope: budget.scope, scopeId: budget.scope_id })
  })
  await resumeStopped(parts, input, { sessionIds: stopped, raised: null })
}
