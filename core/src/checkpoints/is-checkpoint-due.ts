import type { LogEvent } from '../events/event.ts'

/** The platform's own checkpoints of a session at work: after so many calls that may have changed files, or so long after the last one. */
export type Cadence = {
  /** 0: none are taken at a cadence. */
  everyCalls: number
  everyMs: number
  /** Never two within this time: each one copies all that has changed since the sandbox was made. */
  minMs: number
}

/** Tools that may change a sandbox. */
export const CHANGING_TOOLS: ReadonlySet<string> = new Set(['bash', 'write', 'edit'])

/** Pure: told by the thread's events and the time alone, so that any worker keeps the same cadence. */
export const isCheckpointDue = (events: readonly LogEvent[], { now, cadence }: { now: Date; cadence: Cadence }): boolean => {
  if (cadence.everyCalls === 0) return false
  const last = events.findLast((event) => event.type === 'session.checkpointed')
  const calls = events.filter(
    (event) => event.type === 'agent.tool_call' && event.seq > (last?.payload.seq ?? 0) && CHANGING_TOOLS.has(event.payload.name),
  )
  const since = (last ?? calls[0])?.createdAt
  if (calls.length === 0 || since === undefined) return false
  const elapsedMs = now.getTime() - since.getTime()
  return elapsedMs >= cadence.minMs && (calls.length >= cadence.everyCalls || elapsedMs >= cadence.everyMs)
}
