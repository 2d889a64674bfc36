import type { Scope } from './report.ts'
import { CALL_RULES } from './rules-of-calls.ts'
import { FORK_RULES } from './rules-of-forks.ts'
import { MONEY_RULES } from './rules-of-money.ts'
import { TURN_RULES } from './rules-of-turns.ts'

export const checkRows = async (scope: Scope): Promise<void> => {
  for (const { rule, says, sql, only } of [...TURN_RULES, ...CALL_RULES, ...MONEY_RULES, ...FORK_RULES]) {
    if (only === 'settled' && !scope.settled) continue
    const { rows } = await scope.client.query<{ at: string; detail: string | null }>(
      `with grace as (select now() - $1::bigint * interval '1 millisecond' as since) ${sql}`,
      [scope.graceMs],
    )
    for (const { at, detail } of rows) scope.violations.push({ rule, at, what: detail === null ? says : `${says}: ${detail}` })
  }
}
