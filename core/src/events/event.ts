/**
 * The words of the platform, and the log's vocabulary. Pure: no clock, no randomness, no database.
 *
 * session    one piece of long-running work: an agent version, an environment, a log
 * thread     one context window inside a session
 * event      one entry of a session's append-only log, numbered `seq` without gaps
 * turn       one model call and the tool calls it asks for, or one evaluation; it may wait in the middle
 * claim      the right to write a thread's next events, held by one worker, with an epoch
 * lease      a worker's sign of life; its claims live as long as it does
 * sandbox    where a session's tools run · workspace: the files in it · snapshot: a stored workspace
 * condition  what must hold before a session may complete · evaluation: one verdict on one condition
 * budget     a cap · reservation: money held before a call · charge: money spent
 * wake       a queue job that says "this turn may be due"
 *
 * PROTOCOL.md says for each type who writes it and what must follow. Every payload carries `v`, the version of its shape:
 * logs of any release must be readable by every later one.
 */
import type { z } from 'zod'
import { agentEvents } from './agent-events.ts'
import { budgetEvents } from './budget-events.ts'
import { conditionEvents } from './condition-events.ts'
import { harnessEvents } from './harness-events.ts'
import { sessionEvents } from './session-events.ts'
import { userEvents } from './user-events.ts'

const schemas = { ...userEvents, ...agentEvents, ...sessionEvents, ...conditionEvents, ...budgetEvents, ...harnessEvents }

export type EventType = keyof typeof schemas
export type EventPayloads = { [T in EventType]: z.infer<(typeof schemas)[T]> }

/** One event on its way into the log. */
export type NewEvent = {
  [T in EventType]: { type: T; actor: string; payload: Omit<EventPayloads[T], 'v'>; costNanos?: bigint }
}[EventType]

/** One event as it stands in the log. */
export type LogEvent = {
  [T in EventType]: {
    seq: number
    type: T
    threadId: string
    actor: string
    payload: EventPayloads[T]
    costNanos: bigint | null
    createdAt: Date
  }
}[EventType]

/** The whole vocabulary of this release. */
export const EVENT_TYPES = Object.keys(schemas) as EventType[]

export const isEventType = (type: string): type is EventType => Object.hasOwn(schemas, type)

/** Payloads of one type only. */
export type EventOf<T extends EventType> = Extract<LogEvent, { type: T }>

/**
 * The first event that no release up to this one could have written: whoever has to go on from it can't. One with a later version is a
 * later release's to read, and so is an unknown type. Pure.
 */
export const findUnreadable = (events: readonly LogEvent[]): LogEvent | null =>
  events.find(({ type, payload }) => !isOfLaterRelease(payload) && !schemas[type].safeParse(payload).success) ?? null

const isOfLaterRelease = (payload: unknown): boolean => Number((payload as { v?: unknown } | null)?.v) > 1

/** Bytes of JSON that one payload may have; what is larger belongs in a file. */
export const MAX_PAYLOAD_BYTES = 256 * 1024

/** Checks a payload where it enters the log, and stamps the version of its shape. Throws on our own mistakes. */
export const parsePayload = (event: NewEvent): Record<string, unknown> => {
  const payload = schemas[event.type].parse({ ...event.payload, v: 1 })
  if (Buffer.byteLength(JSON.stringify(payload)) > MAX_PAYLOAD_BYTES)
    throw new Error(`a ${event.type} payload is over ${MAX_PAYLOAD_BYTES} bytes`)
  return payload
}
