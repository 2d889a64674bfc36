import type { Spend } from '@longhaul/prisma/generated/client.ts'
import type { RequestContext } from '../../context.ts'
import type { Resolvers } from '../../generated/resolver-types.ts'
import type { BudgetRow } from '../parents.ts'
import { removeBudgetMutation } from './remove-budget.ts'
import { setBudgetMutation } from './set-budget.ts'

export const budgetResolvers: Resolvers = {
  Mutation: { setBudget: setBudgetMutation, removeBudget: removeBudgetMutation },
  Budget: {
    limitUsd: (row) => row.limitNanos,
    spentUsd: async (row, _, context) => (await readSpend(row, context)).spent,
    reservedUsd: async (row, _, context) => (await readSpend(row, context)).reserved,
    resetsAt: ({ period }) => toResetTime(period, new Date()),
  },
}

/** What stands in the ledger for this budget's period: a row of an earlier day or month counts no more. */
const readSpend = async (
  { scopeId, period, tenantId }: BudgetRow,
  context: RequestContext,
): Promise<{ spent: bigint; reserved: bigint }> => {
  const spend = await context.tenant(tenantId).load.spend.load(scopeId)
  if (spend === null) return { spent: 0n, reserved: 0n }
  return toPeriodSpend(spend, period, new Date())
}

export const toPeriodSpend = (spend: Spend, period: BudgetRow['period'], now: Date): { spent: bigint; reserved: bigint } => {
  if (period === 'LIFETIME') return { spent: spend.totalSpent, reserved: spend.totalReserved }
  const today = now.toISOString().slice(0, 10)
  if (period === 'DAY')
    return spend.day.toISOString().slice(0, 10) === today
      ? { spent: spend.daySpent, reserved: spend.dayReserved }
      : { spent: 0n, reserved: 0n }
  return spend.month.toISOString().slice(0, 7) === today.slice(0, 7)
    ? { spent: spend.monthSpent, reserved: spend.monthReserved }
    : { spent: 0n, reserved: 0n }
}

/** Days and months are UTC. */
export const toResetTime = (period: BudgetRow['period'], now: Date): Date | null => {
  if (period === 'LIFETIME') return null
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
  return new Date(period === 'DAY' ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1))
}
