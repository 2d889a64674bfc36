import type { EventOf, NewEvent } from '../../src/events/event.ts'
import type { ToolCallView } from '../../src/turns/view-turn.ts'
import type { SimSandbox } from './sim-sandbox.ts'
import { ClaimLost, type SimStretch, type Steps } from './sim-stretch.ts'

export function* startCall(stretch: SimStretch, call: ToolCallView): Steps<void> {
  const box = openSandbox(stretch)
  yield stretch.random.int(0, 5)
  const event: NewEvent = {
    type: 'agent.tool_call',
    actor: 'agent',
    payload: {
      turnId: stretch.claim.turn.id,
      callId: call.id,
      name: call.name,
      input: call.input,
      permission: 'ALWAYS_ALLOW',
      summary: call.name,
    },
  }
  if (stretch.bugs.has('call_logged_late')) {
    box.sandbox.start(stretch.claim.session.fold.head + 1, stretch.claim.epoch, keyOf(call))
    yield stretch.random.int(0, 5)
  }
  const logged = stretch.append([event], { guard: { control: false } })
  if (logged.refused !== undefined) return
  yield stretch.random.int(0, 5)
  yield* runLogged(stretch, { ...call, seq: logged.first }, box)
}

/** Collect, wait, run what the runner never saw, or say that nobody knows. */
export function* recoverCall(stretch: SimStretch, call: ToolCallView): Steps<void> {
  const box = openSandbox(stretch)
  yield stretch.random.int(0, 5)
  const lost = stretch.events.some(
    (event) => event.type === 'sandbox.state' && event.payload.state === 'LOST' && event.seq > (call.seq ?? 0),
  )
  const state = isGone(box) ? 'unknown' : box.sandbox.inspect(call.seq ?? 0)
  if (stretch.bugs.has('call_repeated')) return yield* runLogged(stretch, call, box)
  if (lost || state === 'unknown') stretch.append([resultOf(stretch, call, 'outcome_unknown')])
  else if (state === 'never') yield* runLogged(stretch, call, box)
  else yield* awaitResult(stretch, call, box)
}

function* runLogged(stretch: SimStretch, call: ToolCallView, box: Attached): Steps<void> {
  yield stretch.random.int(0, 3)
  if (isGone(box)) {
    stretch.append([resultOf(stretch, call, 'outcome_unknown')])
    return
  }
  if (box.sandbox.start(call.seq ?? 0, stretch.claim.epoch, keyOf(call)) === 'stale') throw new ClaimLost()
  yield* awaitResult(stretch, call, box)
}

function* awaitResult(stretch: SimStretch, call: ToolCallView, box: Attached): Steps<void> {
  const { wishes, random } = stretch
  wishes.beginCall()
  for (;;) {
    yield random.int(1, 120)
    if (wishes.lost) throw new ClaimLost()
    if (isGone(box) || box.sandbox.inspect(call.seq ?? 0) === 'unknown') {
      stretch.append([resultOf(stretch, call, 'outcome_unknown')])
      return
    }
    if (box.sandbox.inspect(call.seq ?? 0) === 'done') break
    if (wishes.mustStop()) {
      box.sandbox.kill(call.seq ?? 0)
      stretch.append([resultOf(stretch, call, 'interrupted')])
      return
    }
  }
  yield random.int(0, 3)
  stretch.append([resultOf(stretch, call, 'done')])
}

/** A channel to one sandbox: when that is lost, the channel leads nowhere, whatever took its place. */
type Attached = { sandbox: SimSandbox; id: string }
const isGone = ({ sandbox, id }: Attached): boolean => sandbox.id !== id

/** Recorded under the claim where it is another than the log knows: whoever has lost the claim gets no new sandbox to work in. */
const openSandbox = (stretch: SimStretch): Attached => {
  const { claim } = stretch
  const sandbox = stretch.sandboxOf(claim.session.id)
  const { refused } = sandbox.open(claim.epoch)
  if (refused) throw new ClaimLost()
  const box = { sandbox, id: sandbox.id }
  if (stretch.sandboxId === sandbox.id || stretch.bugs.has('sandbox_unrecorded')) return box
  const payload = { sandboxId: sandbox.id, provider: 'docker', engineId: null, image: 'default', isolated: true }
  const lost: NewEvent[] =
    stretch.sandboxId === null ? [] : [{ type: 'sandbox.state', actor: 'platform', payload: { ...payload, state: 'LOST', lostCalls: [] } }]
  stretch.append([...lost, { type: 'sandbox.state', actor: 'platform', payload: { ...payload, state: 'RUNNING' } }])
  stretch.sandboxId = sandbox.id
  return box
}

const keyOf = ({ input }: ToolCallView): string => (input as { key: string }).key

export const resultOf = (
  stretch: SimStretch,
  call: ToolCallView,
  outcome: EventOf<'agent.tool_result'>['payload']['outcome'],
): NewEvent => ({
  type: 'agent.tool_result',
  actor: 'agent',
  payload: {
    turnId: stretch.claim.turn.id,
    callId: call.id,
    callSeq: call.seq,
    outcome,
    output: outcome,
    isError: outcome !== 'done',
    exitCode: 0,
    durationMs: 1,
    truncated: false,
    outputFile: null,
  },
})
