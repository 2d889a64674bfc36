import { deleteSession } from '@longhaul/core/src/sessions/delete-session.ts'
import { seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { describe, expect, it, vi } from 'vitest'
import { createDice, many, range, type Seeded, seqs, take, useFeeds } from '../../testing/feed-fixture.ts'
import { createFrameCache } from './frame-cache.ts'

const feeds = useFeeds()

describe('reading a session', () => {
  it('gives what is stored after a position, with hashes, and then what comes', async () => {
    const session = await feeds.seed()
    const updates = feeds.openFeed().subscribe({ ...session, after: 1, deltas: false })
    const stored = await take(updates, 2)
    expect(seqs(stored)).toEqual([2, 3])
    const coming = take(updates, 2)
    await feeds.append(session, ['more', 'and more'])
    const { rows } = await feeds.test.superuser.query(
      'select seq, hash, type, thread_id, actor, payload, created_at from event where session_id = $1 and seq > 1 order by seq',
      [session.sessionId],
    )
    expect([...stored, ...(await coming)].map(({ bytes: _, ...event }) => event)).toEqual(
      rows.map(({ thread_id: threadId, created_at: createdAt, ...row }) => ({ ...row, threadId, createdAt, costNanos: null })),
    )
  })

  it('gives each event once and in order to who reconnects at random while four writers append', async () => {
    const session = await feeds.seed()
    const feed = feeds.openFeed({ limits: { pageEvents: 7, waitingEvents: 20 } })
    const total = 3 + 4 * 100
    const write = async (dice: () => number) => {
      for (let left = 100; left > 0; ) {
        const count = Math.min(left, 1 + Math.floor(dice() * 4))
        await feeds.append(session, many(count))
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
    const session = await feeds.seed()
    const feed = feeds.openFeed()
    const coming = take(feed.subscribe({ ...session, after: 3, deltas: false }), 1)
    await vi.waitFor(() => expect(feed.stats().following).toBe(1))
    const appended = performance.now()
    await feeds.append(session, ['unheard'], 'lost')
    expect(seqs(await coming)).toEqual([4])
    expect(performance.now() - appended).toBeLessThan(2_000)
  })

  it('looks at once when there was a gap in what it hears', async () => {
    const session = await feeds.seed()
    const { ear, sayGap } = feeds.createEar()
    const feed = feeds.openFeed({ announcer: ear, limits: { lookMs: 60_000 } })
    const coming = take(feed.subscribe({ ...session, after: 3, deltas: false }), 1)
    await vi.waitFor(() => expect(feed.stats().following).toBe(1))
    await feeds.append(session, ['while the connection was away'], 'lost')
    sayGap()
    expect(seqs(await coming)).toEqual([4])
  })

  it('reads each new event once for all, and hands them the same object', async () => {
    const session = await feeds.seed()
    const feed = feeds.openFeed()
    const watchers = range(1, 20).map(() => feed.subscribe({ ...session, after: 3, deltas: false }))
    const coming = Promise.all(watchers.map((updates) => take(updates, 5)))
    await vi.waitFor(() => expect(feed.stats()).toMatchObject({ sessions: 1, subscribers: 20, following: 20 }))
    const query = vi.spyOn(feeds.test.db.app, 'query')
    await feeds.append(session, many(5), 'lost')
    const events = await coming
    const pages = query.mock.calls.filter(([statement]) => (statement as unknown as { name: string }).name === 'read_log_pages')
    query.mockRestore()
    expect(pages).toHaveLength(1)
    for (const one of events) for (const [index, event] of one.entries()) expect(event).toBe(events[0]?.[index])
    const frameOf = createFrameCache<string>()
    const make = vi.fn(() => 'frame')
    for (const one of events) for (const event of one) frameOf(event, 'document', make)
    expect(make).toHaveBeenCalledTimes(5)
  })

  it('gives who asks for more than there is only what comes after it', async () => {
    const session = await feeds.seed()
    const updates = feeds.openFeed().subscribe({ ...session, after: 5, deltas: false })
    const coming = take(updates, 1)
    await feeds.append(session, many(4))
    expect(seqs(await coming)).toEqual([6])
  })

  it('gives a thousand subscribers of a hundred sessions each event once and in order', async () => {
    const sessions: Seeded[] = []
    for (let left = 100; left > 0; left--) sessions.push(await feeds.seed())
    const feed = feeds.openFeed()
    const all = sessions.flatMap((session) => range(1, 10).map(() => take(feed.subscribe({ ...session, after: 0, deltas: true }), 13)))
    for (let round = 0; round < 10; round++) await Promise.all(sessions.map((session) => feeds.append(session, ['x'])))
    for (const events of await Promise.all(all)) expect(seqs(events)).toEqual(range(1, 13))
    expect(feed.stats()).toMatchObject({ sessions: 100, subscribers: 1_000, waitingUpdates: 0 })
  })
})

describe('the end', () => {
  it('comes at once for who unsubscribes, also while it waits, and frees the reader', async () => {
    const session = await feeds.seed()
    const feed = feeds.openFeed()
    const updates = feed.subscribe({ ...session, after: 3, deltas: true })
    const waiting = updates.next()
    expect(feed.stats()).toMatchObject({ sessions: 1, subscribers: 1 })
    await updates.return?.()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await updates.next()).toEqual({ done: true, value: undefined })
    expect(feed.stats()).toMatchObject({ sessions: 0, subscribers: 0 })
  })

  it('comes for all when the session is deleted, and nothing of it is shown any more', async () => {
    const session = await feeds.seed()
    const feed = feeds.openFeed()
    const following = feed.subscribe({ ...session, after: 3, deltas: false })
    const end = following.next()
    await vi.waitFor(() => expect(feed.stats().following).toBe(1))
    const behind = feed.subscribe({ ...session, after: 0, deltas: false })
    await deleteSession({ ...silentParts(feeds.test.db), announcer: feeds.announcer }, session.caller, session)
    expect(await behind.next()).toEqual({ done: true, value: undefined })
    expect(await end).toEqual({ done: true, value: undefined })
    expect(feed.stats().sessions).toBe(0)
    const late = feed.subscribe({ ...session, after: 0, deltas: false })
    expect(await late.next()).toEqual({ done: true, value: undefined })
  })

  it('comes for another tenant before it has seen anything, and spoils nothing for the owner', async () => {
    const session = await feeds.seed()
    const other = await seedTenant(feeds.test.db)
    const { ear } = feeds.createEar()
    const feed = feeds.openFeed({ announcer: ear })
    const stranger = feed.subscribe({ tenantId: other.tenantId, sessionId: session.sessionId, after: 0, deltas: true })
    const owner = feed.subscribe({ ...session, after: 0, deltas: true })
    expect(await stranger.next()).toEqual({ done: true, value: undefined })
    expect(seqs(await take(owner, 3))).toEqual([1, 2, 3])
  })

  it('comes with the feed, and leaves no timer', async () => {
    const session = await feeds.seed()
    const feed = feeds.openFeed()
    const updates = feed.subscribe({ ...session, after: 3, deltas: false })
    const waiting = updates.next()
    feed.close()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await feed.subscribe({ ...session, after: 0, deltas: false }).next()).toEqual({ done: true, value: undefined })
    expect(feed.stats().sessions).toBe(0)
  })
})
