import { refuseBadLimit, setBudget } from '@longhaul/core/src/budgets/set-budget.ts'
import { requireRole } from '@longhaul/core/src/tenants/role.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { SetBudgetInput } from '../../generated/resolver-types.ts'
import { optional, parseInput, wholeNumber } from '../../graphql/parse-input.ts'
import { loadOne } from '../load-one.ts'
import { locateScope } from './locate-scope.ts'

const alerts = 'up to 20 different percentages from 1 to 100'
const input = z.object({
  alertPercents: optional(
    z
      .array(wholeNumber(1, 100))
      .max(20, alerts)
      .refine((percents) => new Set(percents).size === percents.length, alerts),
  ),
})

/** An operator sets operators' caps, an admin the tenant's: both hold, and neither can change the other's. */
export const setBudgetMutation = async (_: unknown, args: { input: SetBudgetInput }, context: RequestContext) => {
  requireRole(context.principal, 'ADMIN')
  const { alertPercents } = parseInput(input, args.input)
  const { scope, scopeId, period, limitUsd: limitNanos } = args.input
  refuseBadLimit(limitNanos, 'input.limitUsd')
  const { tenantId, load } = await locateScope(context, scope, scopeId)
  const { keyId, role } = context.principal
  const { budgetId } = await setBudget(context.parts, {
    tenantId,
    keyId,
    setBy: role === 'OPERATOR' ? 'OPERATOR' : 'TENANT',
    scope,
    scopeId,
    period,
    limitNanos,
    alertPercents: alertPercents?.toSorted((a, b) => a - b) ?? null,
  })
  return { budget: await loadOne(load.budget, 'budget', budgetId) }
}
