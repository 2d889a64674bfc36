/** What a turn is made of so far, read off the log. Pure: the same events give the same view to any worker (invariant 5). */
import type { ContentBlock } from '../events/content.ts'
import type { LogEvent } from '../events/event.ts'

export type UnreadMessage = { seq: number; mode: 'queue' | 'steer' | 'interrupt' }

export type ToolCallView = {
  /** The model's id, for the conversation only. */
  id: string
  name: string
  input: unknown
  /** The call's event, once it is logged. */
  seq: number | null
  broken: 'invalid_json' | 'cut_off' | null
  done: boolean
}

export type TurnView = {
  answer: { stopReason: string; content: readonly ContentBlock[] } | null
  calls: ToolCallView[]
  unread: readonly UnreadMessage[]
  control: 'pause' | 'interrupt' | null
  /** The agent had ended its work before this turn, or had not begun: queued messages may be read. */
  workEnded: boolean
  /** Something stands in the context that the model has not answered. */
  hasNews: boolean
  /** Answers in a row, up to this one, that the output limit cut off. */
  cutOffs: number
}

export const viewTurn = (
  events: readonly LogEvent[],
  {
    turnId,
    unread,
    control,
    hasNews,
  }: { turnId: string; unread: readonly UnreadMessage[]; control: TurnView['control']; hasNews: boolean },
): TurnView => {
  const answers = events.filter((event) => event.type === 'agent.message')
  const own = answers.find((event) => event.payload.turnId === turnId) ?? null
  const before = answers.findLast((event) => event.payload.turnId !== turnId)
  const logged = new Map<string, number>()
  const done = new Set<string>()
  for (const event of events) {
    if (event.type === 'agent.tool_call' && event.payload.turnId === turnId) logged.set(event.payload.callId, event.seq)
    if (event.type === 'agent.tool_result' && event.payload.turnId === turnId) done.add(event.payload.callId)
  }
  const calls = (own?.payload.content ?? []).flatMap((block): ToolCallView[] =>
    block.type === 'tool_use'
      ? [
          {
            id: block.id,
            name: block.name,
            input: block.input,
            seq: logged.get(block.id) ?? null,
            broken: own?.payload.brokenCalls.find(({ id }) => id === block.id)?.reason ?? null,
            done: done.has(block.id),
          },
        ]
      : [],
  )
  let cutOffs = 0
  for (const answer of answers.toReversed()) {
    if (!isCutOff(answer.payload)) break
    cutOffs++
  }
  return {
    answer: own === null ? null : { stopReason: own.payload.stopReason, content: own.payload.content },
    calls,
    unread,
    control,
    workEnded: before === undefined || (!before.payload.content.some((block) => block.type === 'tool_use') && !isCutOff(before.payload)),
    hasNews,
    cutOffs,
  }
}

const isCutOff = ({ stopReason, brokenCalls }: { stopReason: string; brokenCalls: readonly unknown[] }): boolean =>
  stopReason === 'max_tokens' || stopReason === 'pause_turn' || brokenCalls.length > 0
