/**
 * Builds the model's messages from a thread's events: a pure function, so that any worker builds the same context from the log alone
 * (invariant 5), and so that the prefix stays the same from call to call, which is what prompt caches live on.
 */
import type { ContextBlock, ContextMessage, ToolResultBlock } from './content.ts'
import { describeLoss } from './describe-loss.ts'
import { describeRefused, describeUploads } from './describe-uploads.ts'
import type { EventOf, LogEvent } from './event.ts'
import { skipUndone } from './undone.ts'

export const CUT_OFF_TEXT = 'Your last answer was cut off by the output limit. Go on where it ended.'

/**
 * `log` is the thread's, oldest first, from its context position on. What was undone is skipped, what stands before the last reset or
 * compaction is dropped.
 */
export const buildContext = (log: readonly LogEvent[]): ContextMessage[] => {
  const events = skipUndone(log)
  const texts = new Map(events.flatMap((event) => (event.type === 'user.message' ? [[event.seq, event.payload.text] as const] : [])))
  const start = events.findLastIndex((event) => event.type === 'agent.compacted' || event.type === 'agent.reset')
  const messages: ContextMessage[] = []
  let answered: EventOf<'agent.message'> | null = null
  for (const event of start === -1 ? events : events.slice(start)) {
    switch (event.type) {
      case 'agent.compacted':
        addToUser(messages, { type: 'text', text: `What happened so far, in short:\n\n${event.payload.summary}` })
        break
      case 'agent.reset':
        addToUser(messages, { type: 'text', text: `You continue work that was handed over to you:\n\n${event.payload.handOff}` })
        break
      case 'user.message_read':
        for (const seq of event.payload.seqs) {
          const text = texts.get(seq)
          if (text !== undefined && text !== '') addToUser(messages, { type: 'text', text })
        }
        break
      case 'agent.message':
        if (event.payload.content.length > 0) messages.push({ role: 'assistant', content: event.payload.content })
        answered = event
        if (event.payload.stopReason === 'max_tokens' || event.payload.stopReason === 'pause_turn') addCutOff(messages, event)
        break
      case 'agent.tool_result':
        addResult(messages, answered, event)
        break
      case 'condition.evaluated':
        if (event.payload.verdict !== 'ERROR') addToUser(messages, { type: 'text', text: describeVerdict(event) })
        break
      case 'user.upload_read':
        addToUser(messages, { type: 'text', text: describeUploads(events, event.payload.seqs) })
        break
      case 'user.upload_placed':
        if (event.payload.refused.length > 0) addToUser(messages, { type: 'text', text: describeRefused(events, event) })
        break
      case 'sandbox.state':
        if (event.payload.state === 'LOST') addToUser(messages, { type: 'text', text: describeLoss(event, events) })
        break
      case 'session.rewound':
        if (event.payload.axis === 'FILES') addToUser(messages, { type: 'text', text: describeFilesBack(event) })
        break
      default:
        break
    }
  }
  return messages
}

/** UTF-8 bytes that an event adds to the context: what the bound on a call's input grows by since the last exact count. */
export const contextBytes = (messages: readonly ContextMessage[]): number => Buffer.byteLength(JSON.stringify(messages))

const addToUser = (messages: ContextMessage[], block: ContextBlock): void => {
  const last = messages.at(-1)
  if (last?.role === 'user') last.content.push(block)
  else messages.push({ role: 'user', content: [block] })
}

/** A cut-off answer with tool calls is followed by their results; only a bare text needs to be asked to go on. */
const addCutOff = (messages: ContextMessage[], event: EventOf<'agent.message'>): void => {
  if (!event.payload.content.some((block) => block.type === 'tool_use')) addToUser(messages, { type: 'text', text: CUT_OFF_TEXT })
}

/** All results of an answer stand first in one user message, in the order of its calls. */
const addResult = (messages: ContextMessage[], answered: EventOf<'agent.message'> | null, event: EventOf<'agent.tool_result'>): void => {
  const { callId, output, isError } = event.payload
  if (answered === null) return
  const block: ToolResultBlock = {
    type: 'tool_result',
    tool_use_id: callId,
    content: output === '' ? '(no output)' : output,
    ...(isError ? { is_error: true } : {}),
  }
  const last = messages.at(-1)
  if (last?.role !== 'user') {
    messages.push({ role: 'user', content: [block] })
    return
  }
  const results = last.content.filter((item) => item.type === 'tool_result').length
  last.content.splice(results, 0, block)
}

const describeVerdict = ({ payload }: EventOf<'condition.evaluated'>): string =>
  payload.verdict === 'SATISFIED'
    ? `Done-condition "${payload.name}" holds.`
    : `Done-condition "${payload.name}" does not hold yet (checked from outside, round ${payload.round}):\n${payload.explanation}`

/** Who goes on with a conversation whose files are older than it must know which of its doings are in them. */
const describeFilesBack = ({ payload }: EventOf<'session.rewound'>): string => {
  const { seq, label, files } = payload
  const calls = files?.lostCalls ?? []
  const effects =
    calls.length === 0
      ? 'No tool call had changed them since.'
      : `The effects of these tool calls are gone (numbers in the log): ${calls.join(', ')}. Look before you rely on what you wrote or installed in them.`
  return `A person took the files back to a checkpoint${label === null ? '' : ` (${JSON.stringify(label)})`}: they are as they were after event ${seq}. ${effects}`
}

/** What people put in and the agent was not told of yet, by seq. */
export const findUnreadUploads = (events: readonly LogEvent[]): number[] => {
  const read = new Set(events.flatMap((event) => (event.type === 'user.upload_read' ? event.payload.seqs : [])))
  return events.flatMap((event) => (event.type === 'user.upload' && !read.has(event.seq) ? [event.seq] : []))
}
