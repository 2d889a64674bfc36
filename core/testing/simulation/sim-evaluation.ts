import type { NewEvent } from '../../src/events/event.ts'
import type { TurnMove } from '../../src/log/append-events.ts'
import { statusOf } from './sim-store.ts'
import { retryLater, type SimStretch, type Steps } from './sim-stretch.ts'

const MAX_ROUNDS = 3

/** One verdict for each condition in this round, those of an earlier worker kept; then what follows from them. */
export function* evaluate(stretch: SimStretch): Steps<void> {
  const { claim, random } = stretch
  const { turn, session } = claim
  for (const [conditionId, { name }] of session.fold.conditions) {
    if (roundVerdicts(stretch).has(conditionId)) continue
    yield random.int(5, 200)
    if (stretch.wishes.control === 'pause') {
      const paused = stretch.append([statusOf('PAUSED', 'PAUSED_BY_USER')], {
        turn: { op: 'wait', turnId: turn.id, reason: 'paused' },
        guard: { control: 'pause' },
      })
      if (paused.refused === undefined) return
    }
    if (stretch.mayFail() && random.chance(0.05)) {
      retryLater(stretch)
      return
    }
    const verdict = random.chance(0.6) ? ('SATISFIED' as const) : ('UNSATISFIED' as const)
    const rest = { explanation: 'seen', evidence: {}, workspaceDigest: 'd', isolated: true }
    const payload = { turnId: turn.id, evaluationId: stretch.nextId('evl'), conditionId, name, round: turn.round, verdict, ...rest }
    stretch.append([{ type: 'condition.evaluated', actor: 'platform', payload }])
    yield random.int(0, 3)
  }
  conclude(stretch)
}

const roundVerdicts = ({ events, claim }: SimStretch): Map<string, string> =>
  new Map(
    events.flatMap((event) =>
      event.type === 'condition.evaluated' && event.payload.round === claim.turn.round && event.payload.verdict !== 'ERROR'
        ? [[event.payload.conditionId, event.payload.verdict]]
        : [],
    ),
  )

const conclude = (stretch: SimStretch): void => {
  const { turn, session } = stretch.claim
  const cleared = stretch.wishes.control === 'interrupt' ? ({ obeyed: 'interrupt' } as const) : {}
  const goOn = (): TurnMove => ({
    op: 'settle',
    turnId: turn.id,
    outcome: 'evaluated',
    next: { id: stretch.nextId('trn'), kind: 'work' },
    ...cleared,
  })
  const holds = [...roundVerdicts(stretch).values()].every((verdict) => verdict === 'SATISFIED')
  const end: NewEvent | null = holds
    ? statusOf('COMPLETED', 'DONE')
    : session.fold.roundsSinceMessage >= MAX_ROUNDS
      ? statusOf('IDLE', 'MAX_EVALUATIONS')
      : null
  if (end !== null) {
    const ended = stretch.append([end], {
      turn: { op: 'settle', turnId: turn.id, outcome: 'evaluated', next: null, ...cleared },
      guard: { unread: 0 },
    })
    if (ended.refused === undefined) return
  }
  stretch.append([], { turn: goOn() })
}
