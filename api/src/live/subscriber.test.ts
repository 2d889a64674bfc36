import { appendEvents } from '@longhaul/core/src/log/append-events.ts'
import { describe, expect, it, vi } from 'vitest'
import { many, range, seqs, take, useFeeds } from '../../testing/feed-fixture.ts'
import { FEED_LIMITS } from './feed-limits.ts'

const feeds = useFeeds()

describe('a slow subscriber', () => {
  it('holds a bounded number of events, and loses none', async () => {
    const session = await feeds.seed()
    const feed = feeds.openFeed({ limits: { pageEvents: 20, waitingEvents: 50 } })
    const slow = feed.subscribe({ ...session, after: 0, deltas: false })
    const quick = feed.subscribe({ ...session, after: 0, deltas: false })
    const seen = seqs(await take(slow, 3))
    const opened = take(slow, 1)
    await vi.waitFor(() => expect(feed.stats().following).toBe(1))
    const all = take(quick, 1_003)
    let most = 0
    for (let round = 0; round < 100; round++) {
      await feeds.append(session, many(10))
      most = Math.max(most, feed.stats().waitingUpdates)
    }
    expect(seqs(await all)).toEqual(range(1, 1_003))
    expect(most).toBeLessThanOrEqual(2 * 50 + 20)
    expect(feed.stats()).toMatchObject({ following: 1, waitingUpdates: 0, waitingBytes: 0 })
    expect([...seen, ...seqs(await opened), ...seqs(await take(slow, 999))]).toEqual(range(1, 1_003))
  })

  it('holds a bounded number of bytes', async () => {
    const session = await feeds.seed()
    const feed = feeds.openFeed({ limits: { waitingBytes: 500_000, pageBytes: 200_000 } })
    const slow = feed.subscribe({ ...session, after: 3, deltas: false })
    const first = take(slow, 1)
    await vi.waitFor(() => expect(feed.stats().following).toBe(1))
    for (let round = 0; round < 20; round++) {
      const head = await feeds.append(session, ['y'.repeat(100_000)])
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
    const session = await feeds.seed()
    const { ear, watched } = feeds.createEar()
    const feed = feeds.openFeed({ announcer: ear, limits: { watchedMs: 20 } })
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
    await feeds.append(session, ['an event'], 'lost')
    expect(seqs(await events)).toEqual([4])
  })

  it('of an answered turn are dropped', async () => {
    const session = await feeds.seed()
    const { ear } = feeds.createEar()
    const feed = feeds.openFeed({ announcer: ear })
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
    await appendEvents(feeds.test.db, {
      ...session,
      epoch: null,
      events: [{ type: 'agent.message', actor: 'agent', payload, costNanos: 5n }],
    })
    expect(await answer).toMatchObject([{ type: 'agent.message', costNanos: 5n }])
    const next = updates.next()
    ear.announceDelta(delta(session.sessionId, 'trn_1'))
    ear.announceDelta(delta(session.sessionId, 'trn_2'))
    expect(await next).toMatchObject({ value: { turnId: 'trn_2' } })
  })

  it('are not kept for who does not read', async () => {
    const session = await feeds.seed()
    const { ear } = feeds.createEar()
    const feed = feeds.openFeed({ announcer: ear })
    const updates = feed.subscribe({ ...session, after: 3, deltas: true })
    const first = updates.next()
    await vi.waitFor(() => expect(feed.stats().following).toBe(1))
    for (let count = 0; count < 500; count++) ear.announceDelta(delta(session.sessionId, 'trn_1'))
    await first
    expect(feed.stats()).toMatchObject({ following: 1, waitingUpdates: FEED_LIMITS.waitingForDeltas + 1 })
  })
})
