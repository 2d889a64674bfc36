/**
 * What a work turn does next: a pure function of what the log says. The whole state machine stands here:
 *
 *   a wish to pause         → the turn waits where it is
 *   a wish to interrupt     → open calls end as interrupted, calls not begun never begin; the turn is over
 *   no answer yet           → read what may be read; then ask the model, or end when nothing is left to answer
 *   an answer with calls    → one after the other: log it, run it, log the result
 *   all results in          → the turn is over, and the next one asks the model again
 *   an answer without calls → the agent's work has ended
 *
 * STEER and INTERRUPT messages are read before the next model call, QUEUE messages when the agent has ended its work.
 */
import type { ToolCallView, TurnView } from './view-turn.ts'

export type Step =
  | { do: 'pause' }
  | { do: 'interrupt_calls'; calls: ToolCallView[] }
  | { do: 'read_messages'; seqs: number[] }
  | { do: 'call_model' }
  | { do: 'start_call'; call: ToolCallView }
  /** Logged without a result: an earlier worker may have run it. */
  | { do: 'recover_call'; call: ToolCallView }
  | { do: 'refuse_call'; call: ToolCallView }
  | { do: 'settle'; outcome: TurnOutcome }

/** continue: the next turn asks the model. ended: the agent ended its work. The others stop the session. */
export type TurnOutcome = 'continue' | 'ended' | 'refusal' | 'context_full' | 'circuit_breaker'

/** A tool input cut off by the output limit is told to the agent, who goes on: twice at most, then somebody should look. */
export const MAX_CUT_OFFS = 2

export const decide = (view: TurnView): Step => {
  const open = view.calls.filter((call) => !call.done)
  if (view.control === 'pause') return { do: 'pause' }
  if (view.control === 'interrupt' && open.length > 0) return { do: 'interrupt_calls', calls: open }
  if (view.answer === null) return decideWithoutAnswer(view)
  const [next] = open
  if (next !== undefined) {
    if (next.broken !== null) return { do: 'refuse_call', call: next }
    return next.seq === null ? { do: 'start_call', call: next } : { do: 'recover_call', call: next }
  }
  return { do: 'settle', outcome: decideOutcome(view, view.answer.stopReason) }
}

/** Which waiting messages this turn may read before it asks the model. */
export const readableMessages = ({ unread, workEnded }: Pick<TurnView, 'unread' | 'workEnded'>): number[] =>
  unread.filter(({ mode }) => workEnded || mode !== 'queue').map(({ seq }) => seq)

const decideWithoutAnswer = (view: TurnView): Step => {
  const seqs = readableMessages(view)
  if (seqs.length > 0) return { do: 'read_messages', seqs }
  if (!view.hasNews) return { do: 'settle', outcome: 'ended' }
  // What interrupted was read before its wish arrived here: a model asked now would be stopped at once, asked again, and stopped.
  return view.control === 'interrupt' ? { do: 'settle', outcome: 'continue' } : { do: 'call_model' }
}

const decideOutcome = (view: TurnView, stopReason: string): TurnOutcome => {
  if (stopReason === 'refusal') return 'refusal'
  if (stopReason === 'model_context_window_exceeded') return 'context_full'
  if (view.cutOffs > MAX_CUT_OFFS) return 'circuit_breaker'
  if (view.cutOffs > 0 || view.calls.length > 0) return 'continue'
  return 'ended'
}
