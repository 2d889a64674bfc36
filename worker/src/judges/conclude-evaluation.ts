import { readOpenConditions } from '@longhaul/core/src/conditions/read-conditions.ts'
import type { NewEvent } from '@longhaul/core/src/events/event.ts'
import { createId } from '@longhaul/core/src/ids.ts'
import type { NextTurn } from '@longhaul/core/src/log/append-events.ts'
import { readControl } from '@longhaul/core/src/turns/read-wishes.ts'
import { obeyInterrupt, pauseTurn, statusEvent } from '../turn/settle-turn.ts'
import { ClaimLostError, type Stretch } from '../turn/stretch.ts'
import { decideEvaluation, type RoundVerdict } from './decide-evaluation.ts'

/** Settles the turn by the round's verdicts. Conditions are read again: one may have been added or waived meanwhile. */
export const concludeEvaluation = async (stretch: Stretch, verdicts: ReadonlyMap<string, RoundVerdict>): Promise<'let_go'> => {
  const { turn, session } = stretch.claim
  const open = await readOpenConditions(stretch.parts.db, stretch.claim)
  const end = decideEvaluation({
    open: open.map(({ id }) => id),
    verdicts,
    round: turn.round,
    // A verdict that an earlier worker gave has counted this round already.
    roundsSpent: session.evaluationRounds >= turn.round ? session.roundsSinceMessage : session.roundsSinceMessage + 1,
    maxEvaluations: session.maxEvaluations,
  })
  switch (end.do) {
    case 'work':
      return continueWork(stretch, 'unsatisfied')
    case 'evaluate':
      return judgeAgain(stretch, end.round)
    case 'complete':
      return finish(stretch, { event: statusEvent('COMPLETED', 'DONE'), outcome: 'completed', satisfied: true })
    case 'give_up':
      return finish(stretch, { event: statusEvent('IDLE', 'MAX_EVALUATIONS'), outcome: 'gave_up' })
  }
}

/** Messages come before verdicts. A pause waits where it is: the verdicts given so far stand. */
export const obeyWishes = async (stretch: Stretch): Promise<'go_on' | 'let_go'> => {
  const { wishes, parts, claim } = stretch
  if (wishes.lost.aborted) throw new ClaimLostError('lost during an evaluation')
  // Asked, not only heard: what comes next may take minutes, or cost money.
  const control = wishes.control() ?? (await readControl(parts.db, claim.tenantId, claim.session.id))
  if (control !== wishes.control()) wishes.tell(control)
  if (control === 'pause') return (await pauseTurn(stretch)) === 'let_go' ? 'let_go' : obeyWishes(stretch)
  if (control === 'interrupt' || stretch.unread.length > 0) return continueWork(stretch, control ?? 'message')
  return 'go_on'
}

/** The evaluation is over; the agent reads what is new. */
export const continueWork = (stretch: Stretch, outcome: string): Promise<'let_go'> =>
  settle(stretch, { outcome, next: { id: createId('trn'), kind: 'work' } })

/** Whether a message, a wish or one more condition came meanwhile is asked under the session's lock. */
const finish = async (
  stretch: Stretch,
  { event, outcome, satisfied }: { event: NewEvent; outcome: string; satisfied?: true },
): Promise<'let_go'> => {
  const { turn } = stretch.claim
  await stretch.parts.atPoint('before_terminal')
  const result = await stretch.append([event], {
    turn: { op: 'settle', turnId: turn.id, outcome, next: null },
    guard: { unread: 0, control: false, ...(satisfied ? { satisfied } : {}) },
  })
  if (result.refused === undefined) await stretch.parts.atPoint('after_terminal')
  else if (result.refused === 'conditions') await judgeAgain(stretch, turn.round)
  else if ((await obeyWishes(stretch)) === 'go_on') await continueWork(stretch, 'message')
  return 'let_go'
}

/** The same round in a turn of its own: the verdicts given so far stand. */
export const judgeAgain = (stretch: Stretch, round: number): Promise<'let_go'> =>
  settle(stretch, { outcome: 'unsettled', next: { id: createId('trn'), kind: 'evaluate', round } })

const settle = async (stretch: Stretch, { outcome, next }: { outcome: string; next: NextTurn }): Promise<'let_go'> => {
  await stretch.append([], { turn: { op: 'settle', turnId: stretch.claim.turn.id, outcome, next, ...obeyInterrupt(stretch) } })
  return 'let_go'
}
