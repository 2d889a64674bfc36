/**
 * Owns verdicts: what a done-condition is checked against, by whom, and what follows. A verdict is given on a copy of the workspace, out
 * of the agent's reach, and must never rest on what the agent or its sandbox says of itself (invariant 8). What can't be checked does not
 * hold.
 */
import type { Condition } from '@longhaul/core/src/conditions/read-conditions.ts'
import { cutText } from '@longhaul/core/src/text.ts'
import type { BudgetBlock } from '../turn/call-priced-model.ts'
import type { Stretch } from '../turn/stretch.ts'
import type { WorkspaceCopy } from './copy-workspace.ts'
import type { Baseline } from './open-baseline.ts'

/** What one condition is judged by. */
export type Evaluation = {
  stretch: Stretch
  /** All conditions that are open: what they say must not change is put back before any command runs. */
  open: readonly Condition[]
  copy: WorkspaceCopy
  /** What commands run in, in place of the environment's own image. */
  setUpImageId: string | null
  /** Throws BaselineError. */
  baseline: () => Promise<Baseline>
}

export type Judgement =
  | { verdict: 'SATISFIED' | 'UNSATISFIED'; explanation: string; evidence: Evidence; costNanos?: bigint }
  /** The check itself could not run. `final`: trying again would fail the same way. */
  | {
      verdict: 'ERROR'
      explanation: string
      evidence: Evidence
      costNanos?: bigint
      final?: boolean
      status?: number | null
      retryAfterMs?: number | null
    }

/** Small and plain JSON: it goes into the log. */
export type Evidence = Record<string, unknown>

/** No verdict: a person interrupted, or the money for the next call is not there. `costNanos`: what was spent so far. */
export type Stopped = { stopped: 'interrupted'; costNanos: bigint } | { stopped: 'budget'; blocked: BudgetBlock; costNanos: bigint }

export const MAX_EXPLANATION = 4_000

export const satisfied = (explanation: string, evidence: Evidence = {}): Judgement => ({
  verdict: 'SATISFIED',
  explanation: cutText(explanation, MAX_EXPLANATION),
  evidence,
})

/** `explanation` tells the agent what is missing. */
export const unsatisfied = (explanation: string, evidence: Evidence = {}): Judgement => ({
  verdict: 'UNSATISFIED',
  explanation: cutText(explanation, MAX_EXPLANATION),
  evidence,
})

export const failed = (explanation: string, more: { evidence?: Evidence; final?: boolean } = {}): Judgement => ({
  verdict: 'ERROR',
  explanation: cutText(explanation, MAX_EXPLANATION),
  evidence: more.evidence ?? {},
  final: more.final ?? false,
})
