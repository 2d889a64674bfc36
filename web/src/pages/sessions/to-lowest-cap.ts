import { toNumber } from '../../components/format.ts'
import type { BudgetPeriod, BudgetScope } from '../../generated/graphql.ts'

type Cap = { scope: BudgetScope; period: BudgetPeriod; limitUsd: string }

/** The cap that a session's whole spend meets first: of its own lifetime caps the lowest. */
export const toLowestCap = (budgets: readonly Cap[]): string | null => {
  const own = budgets.filter(({ scope, period }) => scope === 'SESSION' && period === 'LIFETIME')
  return own.toSorted((one, other) => toNumber(one.limitUsd) - toNumber(other.limitUsd))[0]?.limitUsd ?? null
}
