// Follows a session's log to where it rests, through any number of broken connections.
import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiClient, ApiError } from './api-client.ts'
import { toRecord } from './render-event.ts'
import { RESTING_STATUSES, type SessionUpdate } from './session-update.ts'

const SUBSCRIPTION = `subscription Follow($sessionId: ID!, $after: Int!) {
  sessionEvents(sessionId: $sessionId, after: $after, deltas: true) {
    __typename
    ... on Event { seq type payload costUsd createdAt }
    ... on Delta { turnId attempt block offset kind text }
  }
}`

/** Between two attempts to connect again. */
const RECONNECT_MS = 500
/** An api that is gone for longer than this is not coming back by itself. */
const GIVE_UP_MS = 60_000

/**
 * Yields each event once, in order, and deltas as they come; returns when the session rests (a person's turn, or final).
 * Rejects with an ApiError the server gave, or when the server can't be reached for a minute.
 */
export async function* followSession(
  client: ApiClient,
  { sessionId, after = 0 }: { sessionId: string; after?: number },
): AsyncGenerator<SessionUpdate> {
  let seen = after
  let brokenSince: number | undefined
  while (true) {
    try {
      for await (const { sessionEvents } of client.subscribe<{ sessionEvents: SessionUpdate }>(SUBSCRIPTION, { sessionId, after: seen })) {
        brokenSince = undefined
        if (sessionEvents.__typename === 'Event') {
          if (sessionEvents.seq <= seen) continue
          seen = sessionEvents.seq
        }
        yield sessionEvents
        if (rests(sessionEvents)) return
      }
    } catch (error) {
      if (error instanceof ApiError && error.code !== 'UNAVAILABLE') throw error
      brokenSince ??= Date.now()
      if (Date.now() - brokenSince > GIVE_UP_MS) throw new Error('the api has not answered for a minute', { cause: error })
    }
    await sleep(RECONNECT_MS)
  }
}

function rests(update: SessionUpdate): boolean {
  return (
    update.__typename === 'Event' && update.type === 'session.status' && RESTING_STATUSES.includes(String(toRecord(update.payload).status))
  )
}
