import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { SessionDelta, SessionEvent, SessionUpdate } from '../session/session-update.ts'
import type { Platform } from './start-platform.ts'

export type Seen = { events: SessionEvent[]; deltas: SessionDelta[]; connections: number }

const SUBSCRIPTION = `subscription ($sessionId: ID!, $after: Int!) {
  sessionEvents(sessionId: $sessionId, after: $after) {
    __typename
    ... on Event { seq type payload costUsd createdAt }
    ... on Delta { turnId attempt block offset kind text }
  }
}`
/** Most that it hears before it tears its socket down. */
const MOST_UPDATES = 12

/**
 * Follows a session from its first event, tears its connection down after a random number of updates, and goes on with the last seq
 * that it saw, until an event fits. It throws nothing away: what comes twice is seen twice.
 */
export const followRestlessly = async (
  { url, scene }: Platform,
  { key, sessionId, random, isLast }: { key: string; sessionId: string; random: () => number; isLast: (event: SessionEvent) => boolean },
): Promise<Seen> => {
  const seen: Seen = { events: [], deltas: [], connections: 0 }
  const subscriber = `restless of ${sessionId}`
  for (;;) {
    seen.connections++
    const after = seen.events.at(-1)?.seq ?? 0
    scene.note({ kind: 'subscribed', subscriber, sessionId, after })
    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${key}` },
      retryAttempts: 0,
    })
    let left = 1 + Math.floor(random() * MOST_UPDATES)
    try {
      for await (const { data, errors } of client.iterate<{ sessionEvents: SessionUpdate }>({
        query: SUBSCRIPTION,
        variables: { sessionId, after },
      })) {
        if (errors !== undefined || data == null) throw new Error(JSON.stringify(errors))
        const update = data.sessionEvents
        if (update.__typename === 'Event') {
          seen.events.push(update)
          scene.note({ kind: 'event', subscriber, sessionId, seq: update.seq, type: update.type })
          if (isLast(update)) return seen
        } else seen.deltas.push(update)
        if (--left === 0) break
      }
    } finally {
      client.terminate()
    }
  }
}
