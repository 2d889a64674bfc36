import type { AnnouncementListener, Announcer } from '@longhaul/core/src/log/announcer.ts'
import { appendEvents } from '@longhaul/core/src/log/append-events.ts'
import { openAnnouncer } from '@longhaul/core/src/log/open-announcer.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { deleteSession } from '@longhaul/core/src/sessions/delete-session.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { FEED_LIMITS, type FeedLimits } from './feed-limits.ts'
import { createFrameCache } from './frame-cache.ts'
import { createSessionFeed, type SessionFeed } from './session-feed.ts'
import { isStoredEvent, type SessionUpdate, type StoredEvent } from './session-update.ts'

const logger = createLogger({ name: 'test', level: 'error' })
let test: TestDatabase
let announcer: Announcer
const feeds: SessionFeed[] = []

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

const openFeed = (options: { announcer?: Announcer; limits?: Partial<FeedLimits> } = {}): SessionFeed => {
  const feed = createSessionFeed({ db: test.db, announcer: options.announcer ?? announcer, logger }, { ...FEED_LIMITS, ...options.limits })
  feeds.push(feed)
  return feed
}

type Seeded = Awaited<ReturnType<typeof seedTenant>> & { sessionId: string; threadId: string }

const seed = async (): Promise<Seeded> => {
  const tenant = await seedTenant(test.db)
  const sessionId = await seedSession(silentParts(test.db), tenant)
  const { rows } = await test.superuser.query('select primary_thread_id from session where id = $1', [sessionId])
  return { ...tenant, sessionId, threadId: rows[0].primary_thread_id as string }
}

const append = async ({ tenantId, sessionId, threadId }: Seeded, texts: string[], say: Announcer | null = announcer): Promise<number> => {
  const events = texts.map((text) => ({ type: 'user.message', actor: 'user', payload: { text, mode: 'queue' } }) as const)
  const result = await appendEvents(test.db, { tenantId, sessionId, threadId, epoch: null, events })
  if (result.refused !== undefined) throw new Error(result.refused)
  say?.announceHead({ tenantId, sessionId, head: result.head })
  return result.head
}

const many = (count: number, text = 'x'): string[] => Array.from({ length: count }, () => text)

const take = async (updates: AsyncIterator<SessionUpdate, undefined>, count: number): Promise<StoredEvent[]> => {
  const events: StoredEvent[] = []
  while (events.length < count) {
    const { done, value } = await updates.next()
    if (done) throw new Error(`the stream ended after ${events.length} of ${count} events`)
    if (isStoredEvent(value)) events.push(value)
  }
  return events
}

const seqs = (events: readonly StoredEvent[]): number[] => events.map(({ seq }) => seq)
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** Numbers that look random and are the same in each run. */
const createDice =
  (seed: number): (() => number) =>
  () => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32
    return seed / 2 ** 32
  }

/** An announcer of which a test decides what is heard. */
const createEar = () => {
  let heard: AnnouncementListener = {}
  const watched: string[][] = []
  const ear: Announcer = {
    announceHead() {},
    announceControl() {},
    announceDelta: (delta) => heard.onDelta?.(delta),
    announceWatched: (sessionIds) => void watched.push([...sessionIds]),
    listen: async (listener) => {
      heard = listener
    },
    flush: async () => {},
    close: async () => {},
  }
  return { ear, watched, sayGap: () => heard.onGap?.() }
}

describe('reading a session', () => {
  it('gives what is stored after a position, with hashes, and then what comes', async () => {
    const session = await seed()
    const updates = openFeed().subscribe({ ...session, after: 1, deltas: false })
    const stored = await take(updates, 2)
    expect(seqs(stored)).toEqual([2, 3])
    const coming = take(updates, 2)
    await append(session, ['more', 'and more'])
    const { rows } = await test.superuser.query(
      'select seq, hash, type, thread_id, actor, payload, created_at from event where session_id = $1 and seq > 1 order by seq',
      [session.sessionId],
    )
    expect([...stored, ...(await coming)].map(({ bytes: _, ...event }) => event)).toEqual(
      rows.map(({ thread_id: threadId, created_at: createdAt, ...row }) => ({ ...row, threadId, createdAt, costNanos: null })),
    )
  })

  it('gives each event once and in order to who reconnects at random while four writers append', async () => {
    const session = await seed()
    const feed = openFeed({ limits: { pageEvents: 7, waitingEvents: 20 } })
    const total = 3 + 4 * 100
    const write = async (dice: () => number) => {
      for (let left = 100; left > 0; ) {
        const count = Math.min(left, 1 + Math.floor(dice() * 4))
        await append(session, many(count))
        left -= count
      }
    }
    const watch = async (dice: () => number): Promise<number[]> => {
      const seen: number[] = []
      while (seen.length < total) {
        const updates = feed.subscribe({ ...session, after: seen.at(-1) ?? 0, deltas: false })
        seen.push(...seqs(await take(updates, Math.min(total - seen.length, Math.floor(dice() * 30)))))
        // Some leave in the middle of waiting for the next one.
        if (dice() < 0.3) void updates.next()
        await updates.return?.()
      }
      return seen
    }
    const [, ...seen] = await Promise.all([
      Promise.all([1, 2, 3, 4].map((n) => write(createDice(n)))),
      ...range(11, 22).map((n) => watch(createDice(n))),
    ])
    for (const one of seen) expect(one).toEqual(range(1, total))
    expect(feed.stats()).toEqual({ sessions: 0, subscribers: 0, following: 0, waitingUpdates: 0, waitingBytes: 0 })
  })

  it('delivers an event whose announcement was lost within two seconds', async () => {
    const session = await seed()
    const updates = openFeed().subscribe({ ...session, after: 3, deltas: false })
    const coming = take(updates, 1)
    await vi.waitFor(() => expect(feeds[0]?.stats().following).toBe(1))
    const appended = performance.now()
    await append(session, ['unheard'], null)
    expect(seqs(await coming)).toEqual([4])
    expect(performance.now() - appended).toBeLessThan(2_000)
  })

  it('looks at once when there was a gap in what it hears', async () => {
    const session = await seed()
    const { ear, sayGap } = createEar()
    const feed = openFeed({ announcer: ear, limits: { lookMs: 60_000 } })
    const coming = take(feed.subscribe({ ...session, after: 3, deltas: false }), 1)
    await vi.waitFor(() => expect(feed.stats().following).toBe(1))
    await append(session, ['while the connection was away'], null)
    sayGap()
    expect(seqs(await coming)).toEqual([4])
  })

  it('reads each new event once for all, and hands them the same object', async () => {
    const session = await seed()
    const feed = openFeed()
    const watchers = range(1, 20).map(() => feed.subscribe({ ...session, after: 3, deltas: false }))
    const coming = Promise.all(watchers.map((updates) => take(updates, 5)))
    await vi.waitFor(() => expect(feed.stats()).toMatchObject({ sessions: 1, subscribers: 20, following: 20 }))
    const query = vi.spyOn(test.db.app, 'query')
    await append(session, many(5), null)
    const events = await coming
    const pages = query.mock.calls.filter(([statement]) => (statement as unknown as { name: string }).name === 'read_log_page')
    query.mockRestore()
    expect(pages).toHaveLength(1)
    for (const one of events) for (const [index, event] of one.entries()) expect(event).toBe(events[0]?.[index])
    const frameOf = createFrameCache<string>()
    const make = vi.fn(() => 'frame')
    for (const one of events) for (const event of one) frameOf(event, 'document', make)
    expect(make).toHaveBeenCalledTimes(5)
  })

  it('gives who asks for more than there is only what comes after it', async () => {
    const session = await seed()
    const updates = openFeed().subscribe({ ...session, after: 5, deltas: false })
    const coming = take(updates, 1)
    await append(session, many(4))
    expect(seqs(await coming)).toEqual([6])
  })
})

describe('a slow subscriber', () => {
  it('holds a bounded number of events, and loses none', async () => {
    const session = await seed()
    const feed = openFeed({ limits: { pageEvents: 20, waitingEvents: 50 } })
    const slow = feed.subscribe({ ...session, after: 0, deltas: false })
    const quick = feed.subscribe({ ...session, after: 0, deltas: false })
    const seen = seqs(await take(slow, 3))
    const opened = take(slow, 1)
    await vi.waitFor(() => expect(feed.stats().following).toBe(1))
    const all = take(quick, 1_003)
    let most = 0
    for (let round = 0; round < 100; round++) {
      await append(session, many(10))
      most = Math.max(most, feed.stats().waitingUpdates)
    }
    expect(seqs(await all)).toEqual(range(1, 1_003))
    expect(most).toBeLessThanOrEqual(2 * 50 + 20)
    expect(feed.stats()).toMatchObject({ following: 1, waitingUpdates: 0, waitingBytes: 0 })
    expect([...seen, ...seqs(await opened), ...seqs(await take(slow, 999))]).toEqual(range(1, 1_003))
  })

  it('holds a bounded number of bytes', async () => {
    const session = await seed()
    const feed = openFeed({ limits: { waitingBytes: 500_000, pageBytes: 200_000 } })
    const slow = feed.subscribe({ ...session, after: 3, deltas: false })
    const first = take(slow, 1)
    await vi.waitFor(() => expect(feed.stats().following).toBe(1))
    for (let round = 0; round < 20; round++) {
      const head = await append(session, ['y'.repeat(100_000)])
      expect(feed.stats().waitingBytes).toBeLessThan(700_000)
      if (round === 0) expect(seqs(await first)).toEqual([head])
    }
    await vi.waitFor(() => expect(feed.stats()).toMatchObject({ following: 0, waitingBytes: 0 }))
    const rest = await take(slow, 2)
    expect(feed.stats().waitingBytes).toBeLessThan(300_000)
    expect(seqs([...rest, ...(await take(slow, 17))])).toEqual(range(5, 23))
  })
})

describe('deltas', () => {
  const delta = (sessionId: string, turnId: string) => ({
    sessionId,
    threadId: 'thr_x',
    turnId,
    attempt: 1,
    block: 0,
    offset: 0,
    kind: 'TEXT' as const,
    text: 'Hel',
  })

  it('reach who asked for them, and workers are told who is watched', async () => {
    const session = await seed()
    const { ear, watched } = createEar()
    const feed = openFeed({ announcer: ear, limits: { watchedMs: 20 } })
    const without = feed.subscribe({ ...session, after: 3, deltas: false })
    const events = take(without, 1)
    await vi.waitFor(() => expect(feed.stats().following).toBe(1))
    expect(watched).toEqual([])
    const updates = feed.subscribe({ ...session, after: 3, deltas: true })
    expect(watched).toEqual([[session.sessionId]])
    const update = updates.next()
    await vi.waitFor(() => expect(feed.stats().following).toBe(2))
    ear.announceDelta(delta(session.sessionId, 'trn_1'))
    expect(await update).toEqual({ done: false, value: delta(session.sessionId, 'trn_1') })
    await vi.waitFor(() => expect(watched.length).toBeGreaterThan(3))
    await append(session, ['an event'], null)
    expect(seqs(await events)).toEqual([4])
  })

  it('of an answered turn are dropped', async () => {
    const session = await seed()
    const { ear } = createEar()
    const feed = openFeed({ announcer: ear })
    const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 }
    const payload = {
      turnId: 'trn_1',
      model: 'm',
      content: [{ type: 'text' as const, text: 'Hello' }],
      stopReason: 'end_turn',
      usage,
      basis: 'exact' as const,
      reservationId: 'r',
      promptHash: 'h',
      brokenCalls: [],
    }
    const updates = feed.subscribe({ ...session, after: 3, deltas: true })
    const answer = take(updates, 1)
    await vi.waitFor(() => expect(feed.stats().following).toBe(1))
    await appendEvents(test.db, { ...session, epoch: null, events: [{ type: 'agent.message', actor: 'agent', payload, costNanos: 5n }] })
    expect(await answer).toMatchObject([{ type: 'agent.message', costNanos: 5n }])
    const next = updates.next()
    ear.announceDelta(delta(session.sessionId, 'trn_1'))
    ear.announceDelta(delta(session.sessionId, 'trn_2'))
    expect(await next).toMatchObject({ value: { turnId: 'trn_2' } })
  })

  it('are not kept for who does not read', async () => {
    const session = await seed()
    const { ear } = createEar()
    const feed = openFeed({ announcer: ear })
    const updates = feed.subscribe({ ...session, after: 3, deltas: true })
    const first = updates.next()
    await vi.waitFor(() => expect(feed.stats().following).toBe(1))
    for (let count = 0; count < 10_000; count++) ear.announceDelta(delta(session.sessionId, 'trn_1'))
    await first
    expect(feed.stats().waitingUpdates).toBeLessThanOrEqual(FEED_LIMITS.waitingForDeltas + 1)
  })
})

describe('the end', () => {
  it('comes at once for who unsubscribes, also while it waits, and frees the reader', async () => {
    const session = await seed()
    const feed = openFeed()
    const updates = feed.subscribe({ ...session, after: 3, deltas: true })
    const waiting = updates.next()
    expect(feed.stats()).toMatchObject({ sessions: 1, subscribers: 1 })
    await updates.return?.()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await updates.next()).toEqual({ done: true, value: undefined })
    expect(feed.stats()).toMatchObject({ sessions: 0, subscribers: 0 })
  })

  it('comes for all when the session is deleted, and nothing of it is shown any more', async () => {
    const session = await seed()
    const feed = openFeed()
    const following = feed.subscribe({ ...session, after: 3, deltas: false })
    const end = following.next()
    await vi.waitFor(() => expect(feed.stats().following).toBe(1))
    const behind = feed.subscribe({ ...session, after: 0, deltas: false })
    await deleteSession({ ...silentParts(test.db), announcer }, session.caller, session)
    expect(await behind.next()).toEqual({ done: true, value: undefined })
    expect(await end).toEqual({ done: true, value: undefined })
    expect(feed.stats().sessions).toBe(0)
    const late = feed.subscribe({ ...session, after: 0, deltas: false })
    expect(await late.next()).toEqual({ done: true, value: undefined })
  })

  it('comes for another tenant before it has seen anything, and spoils nothing for the owner', async () => {
    const session = await seed()
    const other = await seedTenant(test.db)
    const { ear } = createEar()
    const feed = openFeed({ announcer: ear })
    const stranger = feed.subscribe({ tenantId: other.tenantId, sessionId: session.sessionId, after: 0, deltas: true })
    const owner = feed.subscribe({ ...session, after: 0, deltas: true })
    expect(await stranger.next()).toEqual({ done: true, value: undefined })
    expect(seqs(await take(owner, 3))).toEqual([1, 2, 3])
  })

  it('comes with the feed, and leaves no timer', async () => {
    const session = await seed()
    const feed = openFeed()
    const updates = feed.subscribe({ ...session, after: 3, deltas: false })
    const waiting = updates.next()
    feed.close()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await feed.subscribe({ ...session, after: 0, deltas: false }).next()).toEqual({ done: true, value: undefined })
    expect(feed.stats().sessions).toBe(0)
  })
})
