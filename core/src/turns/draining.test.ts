import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { createDirectorySnapshotStore } from '../checkpoints/directory-snapshot-store.ts'
import { askBuild } from '../environments/ask-build.ts'
import { findAskedBuilds, takeBuild } from '../environments/take-build.ts'
import { sweepBuilds } from '../environments/wake-for-build.ts'
import { keepHouse } from '../housekeeping/keep-house.ts'
import { createLogger } from '../logger.ts'
import { claimTurn } from './claim-turn.ts'
import { beginDrain, endDrain, isDrainedBy } from './drains.ts'
import { endLease, renewLease, startLease } from './leases.ts'
import { sweepTurns } from './sweep-turns.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.superuser.query('delete from lease')
  await test.superuser.query('delete from engine')
  await test.superuser.query("update turn set state = 'settled', woken_at = null")
})

const logger = createLogger({ name: 'test', level: 'silent' })
const leaseOf = (workerId: string, engineId: string, kind: 'worker' | 'suspect' = 'worker') => ({
  workerId,
  engineId,
  kind,
  host: 'here',
  pid: 1,
  leaseMs: 60_000,
})
const begin = (workerId: string, engineId: string) => startLease(test.db, leaseOf(workerId, engineId))
const drain = { engineId: 'one', workerId: 'drainer' }
/** A worker of the engine, and who empties it. */
const beginBoth = async () => {
  await begin('wrk_1', 'one')
  await startLease(test.db, leaseOf('drainer', 'one', 'suspect'))
  expect(await beginDrain(test.db, drain)).toBe(true)
}
const due = async () => {
  const tenant = await seedTenant(test.db)
  const sessionId = await seedSession(silentParts(test.db), tenant)
  const { rows } = await test.superuser.query<{ id: string }>('select id from turn where session_id = $1', [sessionId])
  return { tenantId: tenant.tenantId, turnId: rows[0]?.id ?? '', engineId: 'one', kind: 'worker' as const }
}
const engineOf = async (id: string) => (await test.superuser.query('select draining, gone from engine where id = $1', [id])).rows[0]

it('while an engine is emptied its workers are given nothing, and are told so', async () => {
  await beginBoth()
  const turn = await due()
  expect(await claimTurn(test.db, { ...turn, workerId: 'wrk_1' })).toMatchObject({ refused: 'draining' })
  expect(await renewLease(test.db, { workerId: 'wrk_1', leaseMs: 60_000 })).toMatchObject({ draining: true })
})

it('with the lease of who empties it ends the emptying: its workers take work at once, and no sweep is waited for', async () => {
  await beginBoth()
  await endLease(test.db, 'drainer')
  expect(await renewLease(test.db, { workerId: 'wrk_1', leaseMs: 60_000 })).toMatchObject({ draining: false })
  const turn = await due()
  expect((await claimTurn(test.db, { ...turn, workerId: 'wrk_1' })).refused).toBeUndefined()
  expect(await endDrain(test.db, drain)).toBe(false)
  await sweepTurns(test.db)
  expect(await engineOf('one')).toEqual({ draining: false, gone: false })
})

it('one process empties an engine at a time, and another only once that one is dead or done', async () => {
  await beginBoth()
  const second = { engineId: 'one', workerId: 'drainer_2' }
  await startLease(test.db, leaseOf(second.workerId, 'one', 'suspect'))
  expect(await beginDrain(test.db, second)).toBe(false)
  expect(await isDrainedBy(test.db, drain)).toBe(true)
  expect(await endDrain(test.db, drain)).toBe(true)
  expect(await beginDrain(test.db, second)).toBe(true)
  await endLease(test.db, second.workerId)
  expect(await beginDrain(test.db, drain)).toBe(true)
})

it('an engine that a worker has started on meanwhile, or that nobody knows any more, was not emptied', async () => {
  await beginBoth()
  await begin('wrk_2', 'one')
  expect([await isDrainedBy(test.db, drain), await endDrain(test.db, drain)]).toEqual([false, false])
  expect(await engineOf('one')).toEqual({ draining: false, gone: false })
  await test.superuser.query('delete from engine')
  expect(await endDrain(test.db, drain)).toBe(false)
})

it('no set-up is built on an engine that is emptied: what is asked of it is forgotten', async () => {
  await begin('wrk_1', 'one')
  const { tenantId } = await seedTenant(test.db, { setupScript: 'true' })
  const { rows } = await test.superuser.query<{ id: string }>('select id from environment_version where tenant_id = $1', [tenantId])
  const ask = () => askBuild(test.db, { tenantId, environmentVersionId: rows[0]?.id ?? '', engineId: 'one', not: null })
  const build = await ask()
  await startLease(test.db, leaseOf('drainer', 'one', 'suspect'))
  await beginDrain(test.db, drain)
  expect(await takeBuild(test.db, { tenantId, id: build.id, workerId: 'wrk_1' })).toBeNull()
  await sweepBuilds(test.db)
  expect(await findAskedBuilds(test.db, { engineId: 'one', limit: 10 })).toEqual([])
})

/** As its emptying leaves it. */
const empty = (engineId: string) =>
  test.superuser.query('update engine set draining = true, gone = true, looked_at = null, absent_ms = 0 where id = $1', [engineId])

it('an engine that was emptied stays so where one of its workers was without a lease for a moment, until one starts on it', async () => {
  await begin('wrk_1', 'emptied')
  await empty('emptied')
  await endLease(test.db, 'wrk_1')
  await startLease(test.db, { ...leaseOf('wrk_2', 'emptied'), again: true })
  expect(await engineOf('emptied')).toEqual({ draining: true, gone: true })
  await begin('wrk_3', 'emptied')
  expect(await engineOf('emptied')).toEqual({ draining: false, gone: false })
  // One that was only away is not emptied: it has its sessions again.
  await test.superuser.query("update engine set gone = true where id = 'emptied'")
  await startLease(test.db, { ...leaseOf('wrk_4', 'emptied'), again: true })
  expect(await engineOf('emptied')).toEqual({ draining: false, gone: false })
})

it('an engine that was emptied is remembered for as long as a worker of it lives, though no session is with it', async () => {
  await begin('wrk_1', 'last')
  await empty('last')
  const house = () => keepHouse({ db: test.db, snapshots: createDirectorySnapshotStore('/nowhere'), logger }, { thorough: false })
  await house()
  expect(await engineOf('last')).toEqual({ draining: true, gone: true })
  await endLease(test.db, 'wrk_1')
  await house()
  expect(await engineOf('last')).toBeUndefined()
})
