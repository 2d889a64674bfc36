import type { AnnouncementListener, Announcer } from '@longhaul/core/src/log/announcer.ts'
import { appendEvents } from '@longhaul/core/src/log/append-events.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { CHANGES_LIMITS, type ChangesLimits } from './feed-limits.ts'
import { createSessionChanges, type SessionChanges } from './session-changes.ts'

let test: TestDatabase
const opened: SessionChanges[] = []

beforeAll(async () => {
  test = await createTestDatabase()
})
afterEach(() => {
  for (const changes of opened.splice(0)) changes.close()
})
afterAll(() => test.close())

/** What is said is heard at once, by whoever listens. */
const open = (limits: Partial<ChangesLimits> = {}) => {
  let heard: AnnouncementListener = {}
  const announcer: Announcer = {
    ...silentParts(test.db).announcer,
    announceHead: (head) => heard.onHead?.(head),
    listen: async (listener) => {
      heard = listener
    },
  }
  const parts = { db: test.db, announcer, logger: createLogger({ name: 'test', level: 'error' }) }
  const changes = createSessionChanges(parts, { ...CHANGES_LIMITS, ...limits })
  opened.push(changes)
  return { announcer, changes, sayGap: () => heard.onGap?.() }
}

const take = async (changes: AsyncIterator<string, undefined>, count: number): Promise<string[]> => {
  const sessionIds: string[] = []
  while (sessionIds.length < count) {
    const { done, value } = await changes.next()
    if (done) throw new Error('the stream ended')
    sessionIds.push(value)
  }
  return sessionIds
}

const appendUnheard = async ({ tenantId }: { tenantId: string }, sessionId: string): Promise<void> => {
  const { rows } = await test.superuser.query('select primary_thread_id from session where id = $1', [sessionId])
  const event = { type: 'user.message', actor: 'user', payload: { text: 'x', mode: 'queue' } } as const
  expect(
    await appendEvents(test.db, { tenantId, sessionId, threadId: rows[0].primary_thread_id, epoch: null, events: [event] }),
  ).toMatchObject({ head: 4 })
}

/** Once what has been there before is known, a look tells only what came since. */
const firstLook = async (query: { mock: { results: { value?: unknown }[] } }): Promise<void> => {
  await vi.waitFor(() => expect(query.mock.results.length).toBeGreaterThan(0))
  await query.mock.results[0]?.value
}

describe("a tenant's changed sessions", () => {
  it('are told at once, then at most once in a quiet time, and once more after the last change', async () => {
    const { announcer, changes } = open()
    const updates = changes.subscribe({ tenantId: 'tnt_a' })
    const times: number[] = []
    const reading = (async () => {
      for await (const _ of updates) times.push(performance.now())
    })()
    const started = performance.now()
    let lastSaid = 0
    for (let head = 1; performance.now() - started < 900; head++) {
      lastSaid = performance.now()
      announcer.announceHead({ tenantId: 'tnt_a', sessionId: 'ses_a', head })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await vi.waitFor(() => expect(times.at(-1)).toBeGreaterThanOrEqual(lastSaid))
    await updates.return?.()
    await reading
    expect(times[0]! - started).toBeLessThan(100)
    expect(times.length).toBeGreaterThanOrEqual(3)
    for (const [index, time] of times.slice(1).entries()) expect(time - times[index]!).toBeGreaterThan(CHANGES_LIMITS.quietMs - 5)
  })

  it("are told to the tenant's subscribers only, each different session without waiting for another", async () => {
    const { announcer, changes } = open()
    const one = changes.subscribe({ tenantId: 'tnt_a' })
    const other = changes.subscribe({ tenantId: 'tnt_b' })
    for (const sessionId of ['ses_1', 'ses_2', 'ses_3']) announcer.announceHead({ tenantId: 'tnt_a', sessionId, head: 1 })
    announcer.announceHead({ tenantId: 'tnt_b', sessionId: 'ses_4', head: 1 })
    expect(await take(one, 3)).toEqual(['ses_1', 'ses_2', 'ses_3'])
    expect(await take(other, 1)).toEqual(['ses_4'])
  })

  it('are found when their announcement was lost, within two seconds and once', async () => {
    const tenant = await seedTenant(test.db)
    const [quiet, changing] = [await seedSession(silentParts(test.db), tenant), await seedSession(silentParts(test.db), tenant)]
    const { announcer, changes } = open()
    const query = vi.spyOn(test.db.system, 'query')
    const updates = changes.subscribe(tenant)
    await firstLook(query)
    const appended = performance.now()
    await appendUnheard(tenant, changing)
    expect(await take(updates, 1)).toEqual([changing])
    expect(performance.now() - appended).toBeLessThan(2_000)
    const looks = query.mock.calls.length
    await vi.waitFor(() => expect(query.mock.calls.length).toBeGreaterThan(looks + 1), 5_000)
    query.mockRestore()
    announcer.announceHead({ ...tenant, sessionId: quiet, head: 3 })
    expect(await take(updates, 1)).toEqual([quiet])
  })

  it('are looked for at once after a gap', async () => {
    const tenant = await seedTenant(test.db)
    const sessionId = await seedSession(silentParts(test.db), tenant)
    const { changes, sayGap } = open({ lookMs: 60_000 })
    const query = vi.spyOn(test.db.system, 'query')
    const updates = changes.subscribe(tenant)
    await firstLook(query)
    query.mockRestore()
    await appendUnheard(tenant, sessionId)
    sayGap()
    expect(await take(updates, 1)).toEqual([sessionId])
  })

  it('wait once each for who is slow, and not without bound', async () => {
    const { announcer, changes } = open({ waitingSessions: 5, quietMs: 0 })
    const updates = changes.subscribe({ tenantId: 'tnt_a' })
    for (let head = 1; head <= 100; head++) announcer.announceHead({ tenantId: 'tnt_a', sessionId: `ses_${head % 5}`, head })
    expect(changes.stats().waitingSessions).toBe(5)
    announcer.announceHead({ tenantId: 'tnt_a', sessionId: 'ses_new', head: 1 })
    await expect(updates.next()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    expect(await updates.next()).toEqual({ done: true, value: undefined })
    expect(changes.stats()).toEqual({ tenants: 0, subscribers: 0, waitingSessions: 0 })
  })

  it('end at once for who unsubscribes while waiting, and for all with the process', async () => {
    const { changes } = open()
    const [leaving, staying] = [changes.subscribe({ tenantId: 'tnt_a' }), changes.subscribe({ tenantId: 'tnt_a' })]
    const [left, stayed] = [leaving.next(), staying.next()]
    await leaving.return?.()
    expect(await left).toEqual({ done: true, value: undefined })
    expect(changes.stats()).toEqual({ tenants: 1, subscribers: 1, waitingSessions: 0 })
    changes.close()
    expect(await stayed).toEqual({ done: true, value: undefined })
    expect(changes.stats()).toEqual({ tenants: 0, subscribers: 0, waitingSessions: 0 })
    expect(await changes.subscribe({ tenantId: 'tnt_a' }).next()).toEqual({ done: true, value: undefined })
  })
})
