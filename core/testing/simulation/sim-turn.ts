/**
 * A worker's turn, as worker/src/turn runs it, over the simulated parts: the real `decide`, `viewTurn` and `buildContext` say what
 * comes next, and each `yield` is a moment at which the worker may die, stall, or lose its claim. What it yields is how long it takes.
 */
import { buildContext } from '../../src/events/build-context.ts'
import type { NewEvent } from '../../src/events/event.ts'
import type { Settlement } from '../../src/log/append-events.ts'
import { decide, type TurnOutcome } from '../../src/turns/decide.ts'
import { viewTurn } from '../../src/turns/view-turn.ts'
import { USAGE } from './arbitrary-log.ts'
import { recoverCall, resultOf, startCall } from './sim-calls.ts'
import { evaluate } from './sim-evaluation.ts'
import { MAX_COST } from './sim-model.ts'
import { type SimClaim, statusOf } from './sim-store.ts'
import { ClaimLost, openStretch, retryLater, type SimParts, type SimStretch, type Steps } from './sim-stretch.ts'
import type { SimWishes } from './sim-wishes.ts'

const LOOK_AGAIN_MS = 15_000

/** Ends when the worker has let go; throws ClaimLost when it was made to. */
export function* runTurn(parts: SimParts, claim: SimClaim, wishes: SimWishes): Steps<void> {
  const stretch = openStretch(parts, claim, wishes)
  yield parts.random.int(1, 5)
  if (claim.turn.kind === 'evaluate') return yield* evaluate(stretch)
  for (;;) {
    const hasNews = buildContext(stretch.events).at(-1)?.role === 'user'
    const step = decide(viewTurn(stretch.events, { turnId: claim.turn.id, unread: stretch.unread, control: wishes.control, hasNews }))
    yield parts.random.int(0, 5)
    switch (step.do) {
      case 'pause': {
        const paused = stretch.append([statusOf('PAUSED', 'PAUSED_BY_USER')], {
          turn: { op: 'wait', turnId: claim.turn.id, reason: 'paused' },
          guard: { control: 'pause' },
        })
        if (paused.refused === undefined) return
        break
      }
      case 'interrupt_calls':
        stretch.append(step.calls.map((call) => resultOf(stretch, call, call.seq === null ? 'not_run' : 'outcome_unknown')))
        break
      case 'read_messages':
        readMessages(stretch, step.seqs)
        break
      case 'call_model':
        if ((yield* callModel(stretch)) === 'let_go') return
        break
      case 'start_call':
        yield* startCall(stretch, step.call)
        break
      case 'recover_call':
        yield* recoverCall(stretch, step.call)
        break
      case 'refuse_call':
        stretch.append([resultOf(stretch, step.call, 'not_run')])
        break
      case 'settle':
        return yield* settleTurn(stretch, step.outcome)
    }
  }
}

const readMessages = (stretch: SimStretch, seqs: number[]): void => {
  const obeyed = stretch.wishes.control === 'interrupt'
  const read = stretch.append(
    [{ type: 'user.message_read', actor: 'platform', payload: { turnId: stretch.claim.turn.id, seqs } }],
    obeyed ? { turn: { op: 'control', obeyed: 'interrupt' } } : {},
  )
  if (obeyed && read.refused === undefined) stretch.wishes.obeyed(read.control)
  stretch.unread = stretch.unread.filter(({ seq }) => !seqs.includes(seq))
}

function* callModel(stretch: SimStretch): Steps<'go_on' | 'let_go'> {
  const { claim, store, model, random, wishes } = stretch
  const { session, epoch, workerId, turn } = claim
  const reservationId = stretch.nextId('rsv')
  const reserved = store.reserve({
    id: reservationId,
    sessionId: session.id,
    threadId: session.threadId,
    workerId,
    epoch,
    amountNanos: MAX_COST,
  })
  if ('refused' in reserved) throw new ClaimLost()
  if (!reserved.granted) return waitForBudget(stretch, reserved.by)
  yield random.int(0, 3)
  const request = model.begin(session.id, buildContext(stretch.events), { mayFail: stretch.mayFail() })
  if (request.refusedWith !== null) {
    settleAlone(stretch, { reservationId, costNanos: 0n, usage: null, basis: 'exact', requestId: null })
    return retryLater(stretch)
  }
  wishes.beginCall()
  for (let piece = random.int(1, 5); piece > 0; piece--) {
    yield random.int(10, 300)
    if (!wishes.lost && !wishes.mustStop()) continue
    settleAlone(stretch, {
      reservationId,
      costNanos: request.line.costNanos + 5n,
      usage: null,
      basis: 'estimated',
      requestId: request.line.requestId,
    })
    if (wishes.lost) throw new ClaimLost()
    model.stop(session.id)
    stretch.unread = store.unread(session)
    return 'go_on'
  }
  model.finish(request)
  yield random.int(0, 3)
  const { answer } = request
  const settlement: Settlement = { reservationId, costNanos: answer.costNanos, usage: null, basis: 'exact', requestId: answer.requestId }
  const message = {
    turnId: turn.id,
    model: 'm',
    content: answer.content,
    stopReason: answer.stopReason,
    usage: USAGE,
    basis: 'exact' as const,
  }
  const event: NewEvent = {
    type: 'agent.message',
    actor: 'agent',
    payload: { ...message, reservationId, promptHash: 'h', brokenCalls: answer.brokenCalls },
    costNanos: answer.costNanos,
  }
  try {
    if (!stretch.bugs.has('answer_unsettled')) stretch.append([event], { settle: settlement })
    else {
      stretch.append([event])
      yield random.int(0, 3)
      settleAlone(stretch, settlement)
    }
  } catch (error) {
    if (error instanceof ClaimLost) settleAlone(stretch, settlement)
    throw error
  }
  yield random.int(0, 3)
  return 'go_on'
}

const settleAlone = ({ store, queue }: SimStretch, settlement: Settlement): void => queue.send(store.settleAlone(settlement).wakes)

const waitForBudget = (stretch: SimStretch, by: 'spent' | 'held'): 'go_on' | 'let_go' => {
  const turnId = stretch.claim.turn.id
  const guard = { control: false } as const
  const dueAt = new Date(stretch.now() + LOOK_AGAIN_MS).toISOString()
  const result =
    by === 'held'
      ? stretch.append([statusOf('QUEUED', null)], { turn: { op: 'wait', turnId, reason: 'budget', scope: 'TENANT:tnt', dueAt }, guard })
      : stretch.append([statusOf('PAUSED', 'BUDGET_REACHED')], {
          turn: { op: 'wait', turnId, reason: 'budget_reached', scope: 'TENANT:tnt', dueAt: null },
          guard,
        })
  return result.refused === undefined ? 'let_go' : 'go_on'
}

function* settleTurn(stretch: SimStretch, outcome: TurnOutcome): Steps<void> {
  const { claim, wishes } = stretch
  const cleared = wishes.control === 'interrupt' ? ({ obeyed: 'interrupt' } as const) : {}
  const goOn = () =>
    stretch.append([], {
      turn: { op: 'settle', turnId: claim.turn.id, outcome, next: { id: stretch.nextId('trn'), kind: 'work' }, ...cleared },
    })
  if (outcome === 'continue') {
    goOn()
    return
  }
  yield stretch.random.int(0, 5)
  const evaluates = outcome === 'ended' && claim.session.fold.conditions.size > 0
  const next = evaluates ? { id: stretch.nextId('trn'), kind: 'evaluate' as const, round: claim.session.fold.evaluationRounds + 1 } : null
  const event = {
    ended: evaluates ? null : statusOf('IDLE', 'END_TURN'),
    refusal: statusOf('IDLE', 'REFUSAL'),
    context_full: statusOf('PAUSED', 'CONTEXT_FULL'),
    circuit_breaker: statusOf('PAUSED', 'CIRCUIT_BREAKER'),
  }[outcome]
  const result = stretch.append(event === null ? [] : [event], {
    turn: { op: 'settle', turnId: claim.turn.id, outcome, next, ...cleared },
    guard: { unread: 0 },
  })
  if (result.refused !== undefined) goOn()
}
