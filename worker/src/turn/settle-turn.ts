import { isOpen, readConditions } from '@longhaul/core/src/conditions/read-conditions.ts'
import type { NewEvent } from '@longhaul/core/src/events/event.ts'
import type { SessionStatus, StopReason } from '@longhaul/core/src/events/session-events.ts'
import { createId } from '@longhaul/core/src/ids.ts'
import type { Append, NextTurn } from '@longhaul/core/src/log/append-events.ts'
import type { TurnOutcome } from '@longhaul/core/src/turns/decide.ts'
import type { Stretch } from './stretch.ts'

type Guard = NonNullable<Append['guard']>

export const statusEvent = (status: SessionStatus, stopReason: StopReason | null, activity: string | null = null): NewEvent => ({
  type: 'session.status',
  actor: 'platform',
  payload: { status, stopReason, activity },
})

/**
 * Ends the turn and says what comes next. Unread messages come first; then the conditions are evaluated, in a turn of their own; a
 * session without conditions waits for a person. Whether a message came meanwhile is asked under the session's lock.
 */
export const settleTurn = async (stretch: Stretch, outcome: TurnOutcome): Promise<'let_go'> => {
  if (outcome === 'continue') return continueWork(stretch, outcome)
  await stretch.parts.atPoint('before_terminal')
  const ended = await tryToEnd(stretch, outcome)
  if (ended) await stretch.parts.atPoint('after_terminal')
  else await continueWork(stretch, outcome)
  return 'let_go'
}

/** Waits where it is: calls that have not begun stay in the log's answer, and go on after a resume. */
export const pauseTurn = async (stretch: Stretch): Promise<'go_on' | 'let_go'> => {
  // Unless it was taken back meanwhile, or a later wish stands in its place: that one was promised too.
  const result = await stretch.append([statusEvent('PAUSED', 'PAUSED_BY_USER')], {
    guard: { control: 'pause' },
    turn: { op: 'wait', turnId: stretch.claim.turn.id, reason: 'paused' },
  })
  return result.refused === undefined ? 'let_go' : 'go_on'
}

const continueWork = async (stretch: Stretch, outcome: TurnOutcome): Promise<'let_go'> => {
  await stretch.append([], {
    turn: { op: 'settle', turnId: stretch.claim.turn.id, outcome, next: { id: createId('trn'), kind: 'work' }, ...obeyInterrupt(stretch) },
  })
  return 'let_go'
}

const tryToEnd = async (stretch: Stretch, outcome: Exclude<TurnOutcome, 'continue'>): Promise<boolean> => {
  if (outcome === 'ended' && !stretch.claim.session.hasConditions) {
    const result = await end(stretch, { outcome, event: statusEvent('IDLE', 'END_TURN'), guard: { conditions: 0 } })
    if (result.refused !== 'conditions') return result.refused === undefined
  }
  const { event, evaluate } = await decideEnd(stretch, outcome)
  const next: NextTurn | null = evaluate
    ? { id: createId('trn'), kind: 'evaluate', round: stretch.claim.session.evaluationRounds + 1 }
    : null
  // With every condition waived: one may have been added since they were read.
  const completes = event?.type === 'session.status' && event.payload.status === 'COMPLETED'
  const result = await end(stretch, { outcome, event, next, ...(completes ? { guard: { satisfied: true } } : {}) })
  return result.refused === undefined
}

const end = (
  stretch: Stretch,
  { outcome, event, next = null, guard = {} }: { outcome: TurnOutcome; event: NewEvent | null; next?: NextTurn | null; guard?: Guard },
) =>
  stretch.append(event === null ? [] : [event], {
    turn: { op: 'settle', turnId: stretch.claim.turn.id, outcome, next, ...obeyInterrupt(stretch) },
    guard: { unread: 0, ...guard },
  })

const decideEnd = async (
  stretch: Stretch,
  outcome: Exclude<TurnOutcome, 'continue'>,
): Promise<{ event: NewEvent | null; evaluate: boolean }> => {
  if (outcome === 'refusal') return { event: statusEvent('IDLE', 'REFUSAL'), evaluate: false }
  if (outcome === 'context_full') return { event: statusEvent('PAUSED', 'CONTEXT_FULL'), evaluate: false }
  if (outcome === 'circuit_breaker') return { event: statusEvent('PAUSED', 'CIRCUIT_BREAKER'), evaluate: false }
  await stretch.flush()
  const conditions = await readConditions(stretch.parts.db, stretch.claim)
  if (conditions.length === 0) return { event: statusEvent('IDLE', 'END_TURN'), evaluate: false }
  // With every one waived there is nothing left that could fail to hold.
  if (!conditions.some(isOpen)) return { event: statusEvent('COMPLETED', 'DONE'), evaluate: false }
  return { event: null, evaluate: true }
}

/** Beside the turn's end: the interrupt is over. */
export const obeyInterrupt = (stretch: Stretch): { obeyed?: 'interrupt' } =>
  stretch.wishes.control() === 'interrupt' ? { obeyed: 'interrupt' } : {}
