import type { Database } from '@longhaul/prisma/src/client.ts'
import type { FeedLimits } from './feed-limits.ts'
import { readLogPages } from './read-log.ts'
import type { StoredEvent } from './session-update.ts'

type Wanted = { tenantId: string; sessionId: string; from: number }
type Asked = Wanted & { resolve(events: StoredEvent[]): void; reject(error: unknown): void }

/** Queries that may be on their way at once. More would find fewer logs to read together. */
const MAX_UNDER_WAY = 2

/**
 * Reads what is new in many logs together: those that one announcement named, and those that grew while a query was on its way, share
 * the next one. A query a log was what fan-out of many sessions waited for. A page that did not fit beside the others is in the next.
 */
export const createNewPageReader = (
  db: Pick<Database, 'app'>,
  { pageEvents, pageBytes }: Pick<FeedLimits, 'pageEvents' | 'pageBytes'>,
): ((wanted: Wanted) => Promise<StoredEvent[]>) => {
  let waiting: Asked[] = []
  let underWay = 0
  let planned = false

  const pump = (): void => {
    planned = false
    if (waiting.length === 0 || underWay === MAX_UNDER_WAY) return
    const batch = waiting
    waiting = []
    underWay++
    void answer(batch).finally(() => {
      underWay--
      pump()
    })
  }

  /** Never rejects: each has its own answer. */
  const answer = async (batch: Asked[]): Promise<void> => {
    try {
      const { pages, left } = await readLogPages(db, batch, { events: pageEvents, bytes: pageBytes })
      waiting.unshift(...batch.slice(left))
      for (const [at, asked] of batch.slice(0, left).entries()) asked.resolve(pages.get(at) ?? [])
    } catch (error) {
      for (const asked of batch) asked.reject(error)
    }
  }

  return (wanted) =>
    new Promise((resolve, reject) => {
      waiting.push({ ...wanted, resolve, reject })
      if (!planned) queueMicrotask(pump)
      planned = true
    })
}
