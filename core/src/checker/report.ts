import type pg from 'pg'

export const RULES = ['R1', 'R2', 'R3', 'R4', 'R5', 'R6', 'R7', 'R8', 'R9', 'R10', 'R11'] as const
export type Rule = (typeof RULES)[number]

/** `at`: the session, turn, reservation, budget … that is wrong. */
export type Violation = { rule: Rule; at: string; what: string }

/** `whole`: nothing of the rule was checked; otherwise a part of it. */
export type Unchecked = { rule: Rule; why: string; whole: boolean }

export type Report = { violations: Violation[]; unchecked: Unchecked[]; checked: Rule[] }

/** One tenant's rows, as the application sees them, in the snapshot that the whole check reads. */
export type Scope = {
  client: pg.ClientBase
  tenantId: string
  violations: Violation[]
  unchecked: Unchecked[]
  graceMs: number
  settled: boolean
}

/**
 * A rule that one statement can ask: its rows are what is wrong, `at` names the thing, `detail` completes the sentence.
 * $1 is the time in milliseconds that something may be on its way.
 */
export type RowRule = { rule: Rule; says: string; sql: string; only?: 'settled' }
