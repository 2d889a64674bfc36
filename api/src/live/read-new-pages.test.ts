import type { Database } from '@longhaul/prisma/src/client.ts'
import { describe, expect, it } from 'vitest'
import { type Seeded, useFeeds } from '../../testing/feed-fixture.ts'
import { createNewPageReader } from './read-new-pages.ts'

describe('what is new in many logs', () => {
  const feeds = useFeeds()
  const seedMany = (count: number): Promise<Seeded[]> => Promise.all(Array.from({ length: count }, () => feeds.seed()))

  /** The pool, and how many queries it was given; `fails` of them are sent to a database that refuses them. */
  const countQueries = (fails = 0) => {
    let queries = 0
    const query = (config: { name: string; text: string; values: unknown[] }) =>
      feeds.test.db.app.query(++queries <= fails ? { text: 'select 1/0' } : config)
    return { db: { app: { query } } as unknown as Pick<Database, 'app'>, queries: () => queries }
  }
  const limits = { pageEvents: 500, pageBytes: 1024 * 1024 }
  const seqs = (pages: { seq: number }[][]) => pages.map((page) => page.map(({ seq }) => seq))

  it('is read in one query for all who ask in one tick, each log under its own tenant', async () => {
    const sessions = await seedMany(5)
    const { db, queries } = countQueries()
    const read = createNewPageReader(db, limits)
    const pages = await Promise.all(sessions.map((session, at) => read({ ...session, from: 1 + (at % 3) })))
    expect(seqs(pages)).toEqual([[1, 2, 3], [2, 3], [3], [1, 2, 3], [2, 3]])
    expect(queries()).toBe(1)
    const stranger = { tenantId: sessions[1]!.tenantId, sessionId: sessions[0]!.sessionId, from: 1 }
    expect(seqs(await Promise.all([read(stranger), read({ ...sessions[1]!, from: 1 })]))).toEqual([[], [1, 2, 3]])
  })

  it('is read on in the next query where it did not fit beside the others', async () => {
    const sessions = await seedMany(3)
    for (const session of sessions) await feeds.append(session, ['a'.repeat(10_000)], 'lost')
    const { db, queries } = countQueries()
    const read = createNewPageReader(db, { pageEvents: 500, pageBytes: 15_000 })
    const pages = await Promise.all(sessions.map((session) => read({ ...session, from: 1 })))
    expect(seqs(pages)).toEqual(sessions.map(() => [1, 2, 3, 4]))
    expect(queries()).toBeGreaterThan(1)
  })

  it('is told to nobody when the query fails, and is read by whoever asks again', async () => {
    const [one, two] = await seedMany(2)
    const read = createNewPageReader(countQueries(1).db, limits)
    const failed = await Promise.allSettled([read({ ...one!, from: 1 }), read({ ...two!, from: 1 })])
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(seqs([await read({ ...one!, from: 1 })])).toEqual([[1, 2, 3]])
  })
})
