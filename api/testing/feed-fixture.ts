/** What tests of the feed share: a database of their own, feeds that are closed after each test, sessions, and appends that are heard. */
import type { AnnouncementListener, Announcer } from '@longhaul/core/src/log/announcer.ts'
import { appendEvents } from '@longhaul/core/src/log/append-events.ts'
import { openAnnouncer } from '@longhaul/core/src/log/open-announcer.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { FEED_LIMITS, type FeedLimits } from '../src/live/feed-limits.ts'
import { createSessionFeed, type SessionFeed } from '../src/live/session-feed.ts'
import { isStoredEvent, type SessionUpdate, type StoredEvent } from '../src/live/session-update.ts'

export type Seeded = Awaited<ReturnType<typeof seedTenant>> & { sessionId: string; threadId: string }

/** To be called once, at the head of a test file. */
export const useFeeds = () => {
  const logger = createLogger({ name: 'test', level: 'error' })
  const feeds: SessionFeed[] = []
  let test: TestDatabase
  let announcer: Announcer
  beforeAll(async () => {
    test = await createTestDatabase()
    announcer = openAnnouncer({ databaseUrl: test.url, redisUrl: null }, logger)
  })
  afterEach(() => {
    for (const feed of feeds.splice(0)) feed.close()
  })
  afterAll(async () => {
    await announcer.close()
    await test.close()
  })

  return {
    get test(): TestDatabase {
      return test
    },
    get announcer(): Announcer {
      return announcer
    },
    openFeed: (options: { announcer?: Announcer; limits?: Partial<FeedLimits> } = {}): SessionFeed => {
      const feed = createSessionFeed(
        { db: test.db, announcer: options.announcer ?? announcer, logger },
        { ...FEED_LIMITS, ...options.limits },
      )
      feeds.push(feed)
      return feed
    },
    /** An announcer of which a test decides what is heard. */
    createEar: () => {
      let heard: AnnouncementListener = {}
      const watched: string[][] = []
      const ear: Announcer = {
        ...silentParts(test.db).announcer,
        announceDelta: (delta) => heard.onDelta?.(delta),
        announceWatched: (sessionIds) => void watched.push([...sessionIds]),
        listen: async (listener) => {
          heard = listener
        },
      }
      return { ear, watched, sayGap: () => heard.onGap?.() }
    },
    /** A session with three events. */
    seed: async (): Promise<Seeded> => {
      const tenant = await seedTenant(test.db)
      const sessionId = await seedSession(silentParts(test.db), tenant)
      const { rows } = await test.superuser.query('select primary_thread_id from session where id = $1', [sessionId])
      return { ...tenant, sessionId, threadId: rows[0].primary_thread_id as string }
    },
    /** Answers with the new head, which is announced unless it is to be lost. */
    append: async (
      { tenantId, sessionId, threadId }: Seeded,
      texts: string[],
      announced: 'announced' | 'lost' = 'announced',
    ): Promise<number> => {
      const events = texts.map((text) => ({ type: 'user.message', actor: 'user', payload: { text, mode: 'queue' } }) as const)
      const result = await appendEvents(test.db, { tenantId, sessionId, threadId, epoch: null, events })
      if (result.refused !== undefined) throw new Error(result.refused)
      if (announced === 'announced') announcer.announceHead({ tenantId, sessionId, head: result.head })
      return result.head
    },
  }
}

export const many = (count: number, text = 'x'): string[] => Array.from({ length: count }, () => text)

export const take = async (updates: AsyncIterator<SessionUpdate, undefined>, count: number): Promise<StoredEvent[]> => {
  const events: StoredEvent[] = []
  while (events.length < count) {
    const { done, value } = await updates.next()
    if (done) throw new Error(`the stream ended after ${events.length} of ${count} events`)
    if (isStoredEvent(value)) events.push(value)
  }
  return events
}

export const seqs = (events: readonly StoredEvent[]): number[] => events.map(({ seq }) => seq)
export const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** Numbers that look random and are the same in each run. */
export const createDice =
  (seed: number): (() => number) =>
  () => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32
    return seed / 2 ** 32
  }
