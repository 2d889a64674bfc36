import type { LogEvent } from '../events/event.ts'
import type { OpenCall } from './checkpoint.ts'

/**
 * Calls of the newest answer that have no result. Pure. An answer's calls all end before the model is asked again, so that no older
 * answer can have any.
 */
export const findOpenCalls = (events: readonly LogEvent[]): OpenCall[] => {
  const answer = events.findLast((event) => event.type === 'agent.message')
  if (answer === undefined) return []
  const { turnId } = answer.payload
  const logged = new Map<string, number>()
  const done = new Set<string>()
  for (const event of events) {
    if (event.type === 'agent.tool_call' && event.payload.turnId === turnId) logged.set(event.payload.callId, event.seq)
    if (event.type === 'agent.tool_result' && event.payload.turnId === turnId) done.add(event.payload.callId)
  }
  return answer.payload.content.flatMap((block) =>
    block.type === 'tool_use' && !done.has(block.id) ? [{ turnId, callId: block.id, callSeq: logged.get(block.id) ?? null }] : [],
  )
}
