import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { startLease } from './leases.ts'
import { sweepTurns } from './sweep-turns.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

it('sessions of an engine without a worker hold no slot that others need, and go on when it has one', async () => {
  const parts = silentParts(test.db)
  const tenant = await seedTenant(test.db, { maxConcurrentSessions: 1 })
  const stuck = await seedSession(parts, tenant)
  await test.superuser.query("update session set engine_id = 'gone' where id = $1", [stuck])
  const free = await seedSession(parts, tenant)
  const woken = async (id: string) =>
    (await test.superuser.query('select woken_at is not null as woken from turn where session_id = $1', [id])).rows[0].woken
  expect([await woken(stuck), await woken(free)]).toEqual([true, false])
  await sweepTurns(test.db)
  expect([await woken(stuck), await woken(free)]).toEqual([false, true])

  await startLease(test.db, { workerId: 'wrk_back', engineId: 'gone', kind: 'worker', host: 'here', pid: 1, leaseMs: 60_000 })
  await test.superuser.query("update turn set state = 'settled', woken_at = null where session_id = $1", [free])
  const { wakes } = await sweepTurns(test.db)
  expect(wakes).toMatchObject([{ engineId: 'gone' }])
})
