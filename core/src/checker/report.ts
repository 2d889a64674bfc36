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
