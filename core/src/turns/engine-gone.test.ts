import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { createCheckpoint } from '../checkpoints/create-checkpoint.ts'
import { findAskedCheckpoints } from '../checkpoints/find-asked-checkpoints.ts'
import { askForFiles } from '../files/ask-for-files.ts'
import { claimTurn } from './claim-turn.ts'
import { endLease, startLease } from './leases.ts'
import { sweepTurns } from './sweep-turns.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.superuser.query('delete from lease')
  await test.superuser.query("update turn set state = 'settled', woken_at = null")
})

const leaseOf = (workerId: string, engineId: string) => ({
  workerId,
  engineId,
  kind: 'worker' as const,
  host: 'here',
  pid: 1,
  leaseMs: 60_000,
})
const begin = (workerId: string, engineId: string) => startLease(test.db, leaseOf(workerId, engineId))
const turnOf = async (sessionId: string) =>
  (await test.superuser.query('select id, woken_at is not null as woken from turn where session_id = $1', [sessionId])).rows[0]
const on = async (engineId: string, more: { maxConcurrentSessions?: number } = {}) => {
  const tenant = await seedTenant(test.db, more)
  const sessionId = await seedSession(silentParts(test.db), tenant)
  await test.superuser.query('update session set engine_id = $2 where id = $1', [sessionId, engineId])
  return { tenant, tenantId: tenant.tenantId, sessionId, turnId: (await turnOf(sessionId)).id as string }
}
/** As the sweep sees it when it looks again so much later. */
const passes = async (ms: number) => {
  await test.superuser.query("update engine set looked_at = looked_at - $1 * interval '1 millisecond'", [ms])
  return sweepTurns(test.db, { moveAfterMs: 15_000 })
}

it('sessions of an engine without a worker hold no slot that others need, and go on when it has one', async () => {
  const stuck = await on('away', { maxConcurrentSessions: 1 })
  const free = await seedSession(silentParts(test.db), stuck.tenant)
  expect([(await turnOf(stuck.sessionId)).woken, (await turnOf(free)).woken]).toEqual([true, false])
  await sweepTurns(test.db)
  expect([(await turnOf(stuck.sessionId)).woken, (await turnOf(free)).woken]).toEqual([false, true])

  await begin('wrk_back', 'away')
  await test.superuser.query("update turn set state = 'settled', woken_at = null where session_id = $1", [free])
  const { wakes } = await sweepTurns(test.db)
  expect(wakes).toMatchObject([{ engineId: 'away' }])
})

it('once an engine was without a worker for long enough, while another had one, anybody is woken for its sessions and may claim them', async () => {
  await begin('wrk_1', 'one')
  await begin('wrk_2', 'two')
  const { tenantId, turnId } = await on('one')
  const claim = { tenantId, turnId, workerId: 'wrk_2', engineId: 'two', kind: 'worker' as const }
  await endLease(test.db, 'wrk_1')
  expect(await claimTurn(test.db, claim)).toMatchObject({ refused: 'engine' })
  await sweepTurns(test.db)
  for (const ms of [5_000, 5_000]) expect((await passes(ms)).wakes).toEqual([])
  expect((await passes(5_000)).wakes).toMatchObject([{ turnId, engineId: null }])
  expect((await claimTurn(test.db, claim)).refused).toBeUndefined()
})

it('an engine that comes back has its sessions again, unless they have moved', async () => {
  await begin('wrk_1', 'back')
  await begin('wrk_2', 'two')
  const { tenantId, turnId } = await on('back')
  await endLease(test.db, 'wrk_1')
  for (let look = 0; look < 5; look++) await passes(5_000)
  await begin('wrk_3', 'back')
  expect(await claimTurn(test.db, { tenantId, turnId, workerId: 'wrk_2', engineId: 'two', kind: 'worker' })).toMatchObject({
    refused: 'engine',
    engineId: 'back',
  })
  await passes(5_000)
  expect((await claimTurn(test.db, { tenantId, turnId, workerId: 'wrk_3', engineId: 'back', kind: 'worker' })).refused).toBeUndefined()
})

it('time in which nobody could have taken them does not count: after an outage of all, the first to come back takes nothing', async () => {
  await begin('wrk_1', 'late')
  const { tenantId, turnId } = await on('late')
  await endLease(test.db, 'wrk_1')
  for (let look = 0; look < 3; look++) await passes(3_600_000) // nobody lives
  await begin('wrk_2', 'two')
  await passes(3_600_000)
  await passes(3_600_000)
  expect(await claimTurn(test.db, { tenantId, turnId, workerId: 'wrk_2', engineId: 'two', kind: 'worker' })).toMatchObject({
    refused: 'not_due',
  })
  await begin('wrk_3', 'late')
  await passes(1_000)
  expect((await claimTurn(test.db, { tenantId, turnId, workerId: 'wrk_3', engineId: 'late', kind: 'worker' })).refused).toBeUndefined()
})

it('a worker that only runs suspects takes nothing: its engine alone makes no other one gone', async () => {
  await begin('wrk_1', 'suspected')
  const { tenantId, turnId } = await on('suspected')
  await endLease(test.db, 'wrk_1')
  await startLease(test.db, { workerId: 'wrk_s', engineId: 'two', kind: 'suspect', host: 'here', pid: 1, leaseMs: 60_000 })
  for (let look = 0; look < 6; look++) await passes(5_000)
  expect(await claimTurn(test.db, { tenantId, turnId, workerId: 'wrk_s', engineId: 'two', kind: 'suspect' })).toMatchObject({
    refused: 'not_due',
  })
})

it('its files are looked at where it will go on from, once nobody waits for its engine', async () => {
  await begin('wrk_1', 'hidden')
  await begin('wrk_2', 'two')
  const { tenantId, sessionId } = await on('hidden')
  await test.superuser.query("update session set sandbox_id = 'box' where id = $1", [sessionId])
  const look = async () => {
    const asked = askForFiles(silentParts(test.db), { tenantId, sessionId, op: 'list', path: '/workspace' })
    for (;;) {
      const { rows } = await test.superuser.query<{ id: string; engine_id: string }>(
        "select id, engine_id from file_look where state = 'asked'",
      )
      if (rows[0] === undefined) continue
      const found = await test.db.app.query<{ look: { sandboxId: string | null } }>('select read_file_look($1, $2) as look', [
        tenantId,
        rows[0].id,
      ])
      await test.superuser.query(`update file_look set state = 'answered', answer = '{"entries": []}' where id = $1`, [rows[0].id])
      await asked
      return [rows[0].engine_id, found.rows[0]?.look.sandboxId]
    }
  }
  expect(await look()).toEqual(['hidden', 'box'])
  await endLease(test.db, 'wrk_1')
  for (let at = 0; at < 5; at++) await passes(5_000)
  expect(await look()).toEqual(['two', null])
})

it('a checkpoint that somebody asks for of a session whose engine is gone is taken by whoever looks', async () => {
  await begin('wrk_1', 'left')
  await begin('wrk_2', 'two')
  const { tenantId, tenant, sessionId } = await on('left')
  const { checkpointId } = await createCheckpoint(silentParts(test.db), tenant.caller, { sessionId, label: null })
  const asked = async () => (await findAskedCheckpoints(test.db, 'two')).filter(({ id }) => id === checkpointId)
  expect(await asked()).toEqual([])
  await test.superuser.query("update engine set gone = true where id = 'left'")
  expect(await asked()).toMatchObject([{ tenantId, sessionId }])
})
