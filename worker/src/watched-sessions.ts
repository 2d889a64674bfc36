/** Sessions that somebody watches at this moment, as the apis say every few seconds. Deltas are sent for these only. */
export type WatchedSessions = { add(sessionIds: readonly string[]): void; has(sessionId: string): boolean }

const KEPT_MS = 15_000
const MOST = 100_000

export const createWatchedSessions = (now: () => number = Date.now): WatchedSessions => {
  const until = new Map<string, number>()
  return {
    add: (sessionIds) => {
      if (until.size > MOST) for (const [id, end] of until) if (end < now()) until.delete(id)
      for (const id of sessionIds) until.set(id, now() + KEPT_MS)
    },
    has: (sessionId) => (until.get(sessionId) ?? 0) > now(),
  }
}
