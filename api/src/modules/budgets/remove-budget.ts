import { removeBudget } from '@longhaul/core/src/budgets/remove-budget.ts'
import { requireRole } from '@longhaul/core/src/tenants/role.ts'
import type { RequestContext } from '../../context.ts'
import type { IdInput } from '../../generated/resolver-types.ts'

/** The caller's caps are those of its own side: an operator's are an operator's alone. */
export const removeBudgetMutation = async (_: unknown, { input }: { input: IdInput }, context: RequestContext) => {
  requireRole(context.principal, 'ADMIN')
  const { principal } = context
  const { tenantId } = await context.locate('budget', input.id)
  await removeBudget(context.parts, {
    tenantId,
    keyId: principal.keyId,
    setBy: principal.role === 'OPERATOR' ? 'OPERATOR' : 'TENANT',
    budgetId: input.id,
  })
  return { id: input.id }
}
