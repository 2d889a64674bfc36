/**
 * The loop. Read this first.
 *
 * A worker that holds a claim asks the pure `decide` what comes next, does it, and writes what happened under the claim's epoch, until
 * it would only wait or the turn has settled. Nothing here is remembered: a worker that dies anywhere leaves a log from which the
 * next one decides the same.
 */
import { buildContext, findUnreadUploads } from '@longhaul/core/src/events/build-context.ts'
import type { NewEvent } from '@longhaul/core/src/events/event.ts'
import type { ClaimedTurn } from '@longhaul/core/src/turns/claim-turn.ts'
import { decide, type Step } from '@longhaul/core/src/turns/decide.ts'
import { viewTurn } from '@longhaul/core/src/turns/view-turn.ts'
import { beginSetUp } from '../environments/wait-for-set-up.ts'
import { runEvaluation } from '../judges/run-evaluation.ts'
import { callModel } from './call-model.ts'
import { settleAlone } from './call-priced-model.ts'
import { interruptCalls, recoverCall, refuseCall, startCall } from './run-tool-call.ts'
import { pauseTurn, settleTurn } from './settle-turn.ts'
import { openStretch, type Stretch, type TurnParts } from './stretch.ts'
import type { Wishes } from './wishes.ts'

/** Advances a claimed turn by one stretch. Resolves when the worker has let go; throws ClaimLostError when it was made to. */
export const runTurn = async (parts: TurnParts, claim: ClaimedTurn, wishes: Wishes): Promise<void> => {
  const stretch = openStretch(parts, claim, wishes)
  if (claim.turn.kind === 'evaluate') return runEvaluation(stretch)
  try {
    await takeSteps(stretch)
  } catch (error) {
    // Once per reservation: where the answer was committed and only the database's word of it lost, this changes nothing.
    if (stretch.held.settle !== undefined) await settleAlone(stretch, stretch.held.settle)
    throw error
  }
}

const takeSteps = async (stretch: Stretch): Promise<void> => {
  const { claim, wishes } = stretch
  for (;;) {
    const step = decide(
      viewTurn(stretch.events, {
        turnId: claim.turn.id,
        unread: stretch.unread,
        control: wishes.control(),
        hasNews: buildContext(stretch.events).at(-1)?.role === 'user',
      }),
    )
    if ((await takeStep(stretch, step)) === 'let_go') return
  }
}

const takeStep = async (stretch: Stretch, step: Step): Promise<'go_on' | 'let_go'> => {
  switch (step.do) {
    case 'pause':
      return pauseTurn(stretch)
    case 'interrupt_calls':
      return interruptCalls(stretch, step.calls)
    case 'read_messages':
      return readMessages(stretch, step.seqs)
    case 'call_model':
      if ((await beginSetUp(stretch)) === 'let_go') return 'let_go'
      tellOfUploads(stretch)
      await stretch.parts.checkpoints.takeBeside(stretch)
      return callModel(stretch)
    case 'start_call':
      return startCall(stretch, step.call)
    case 'recover_call':
      return recoverCall(stretch, step.call)
    case 'refuse_call':
      return refuseCall(stretch, step.call)
    case 'settle':
      await stretch.parts.checkpoints.settled(stretch)
      return settleTurn(stretch, step.outcome)
  }
}

/**
 * Which messages a turn reads is itself an event: the context is rebuilt from where they were read. What comes next is the model, and
 * its reservation takes the event with it.
 */
const readMessages = async (stretch: Stretch, seqs: number[]): Promise<'go_on'> => {
  const read: NewEvent = { type: 'user.message_read', actor: 'platform', payload: { turnId: stretch.claim.turn.id, seqs } }
  if (stretch.wishes.control() === 'interrupt') {
    const result = await stretch.append([read], { turn: { op: 'control', obeyed: 'interrupt' } })
    if (result.refused === undefined) stretch.wishes.obeyed(result.control)
  } else {
    stretch.hold([read])
  }
  stretch.unread = stretch.unread.filter(({ seq }) => !seqs.includes(seq))
  return 'go_on'
}

/** What people put in is told to the agent with the next answer that is asked of it; it wakes nobody. */
const tellOfUploads = (stretch: Stretch): void => {
  const seqs = findUnreadUploads(stretch.events)
  if (seqs.length > 0) stretch.hold([{ type: 'user.upload_read', actor: 'platform', payload: { turnId: stretch.claim.turn.id, seqs } }])
}
