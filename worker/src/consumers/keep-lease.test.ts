import { createLogger } from '@longhaul/core/src/logger.ts'
import { claimTurn } from '@longhaul/core/src/turns/claim-turn.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createWishes } from '../turn/wishes.ts'
import { ActiveTurns } from './active-turns.ts'
import { keepLease, type LeaseKeeper } from './keep-lease.ts'

let database: TestDatabase
let active: ActiveTurns
let lease: LeaseKeeper
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(async () => {
  active = new ActiveTurns()
  const parts = { db: database.db, active, queue: { send() {} }, logger: createLogger({ name: 'test', level: 'silent' }) }
  lease = await keepLease(parts, { kind: 'worker', engineId: null, leaseMs: 60_000, renewMs: 60_000 })
})
afterEach(() => lease.stop())

/** A turn that the database gave to this worker. */
const claim = async () => {
  const tenant = await seedTenant(database.db)
  const sessionId = await seedSession(silentParts(database.db), tenant)
  const { rows } = await database.superuser.query<{ id: string }>('select id from turn where session_id = $1', [sessionId])
  const turnId = rows[0]?.id ?? ''
  const result = await claimTurn(database.db, {
    tenantId: tenant.tenantId,
    turnId,
    workerId: lease.workerId(),
    engineId: null,
    kind: 'worker',
  })
  if (result.refused !== undefined) throw new Error(result.refused)
  return result.claimed
}
const stateOf = async (turnId: string) => {
  const { rows } = await database.superuser.query<{ state: string; suspect: boolean }>('select state, suspect from turn where id = $1', [
    turnId,
  ])
  return rows[0]
}

/** Once it runs no more. */
const nextStateOf = async (turnId: string) => {
  for (;;) {
    const state = await stateOf(turnId)
    if (state?.state !== 'running') return state
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('a claim whose answer never came is let go: its turn is due again, with no crash counted', async () => {
  const { turn } = await claim()
  await lease.renewNow()
  expect(await nextStateOf(turn.id)).toEqual({ state: 'due', suspect: false })
})

test('a claim that somebody has locked keeps no lease from being renewed, and is let go afterwards', async () => {
  const { turn, thread } = await claim()
  const busy = await database.superuser.connect()
  await busy.query('begin')
  await busy.query('select from claim where thread_id = $1 for update', [thread.id])
  await lease.renewNow()
  expect(await stateOf(turn.id)).toEqual({ state: 'running', suspect: false })
  await busy.query('commit')
  busy.release()
  expect(await nextStateOf(turn.id)).toEqual({ state: 'due', suspect: false })
})

test('a claim that is still being asked for is left alone, and so is a turn that runs', async () => {
  const asked = await claim()
  const answered = active.beginClaim(asked.turn.id)
  const running = await claim()
  active.add({
    tenantId: running.tenantId,
    sessionId: running.session.id,
    threadId: running.thread.id,
    turnId: running.turn.id,
    epoch: running.epoch,
    wishes: createWishes(null),
    startedAt: performance.now(),
  })
  await lease.renewNow()
  expect([await stateOf(asked.turn.id), await stateOf(running.turn.id)]).toEqual([
    { state: 'running', suspect: false },
    { state: 'running', suspect: false },
  ])
  answered()
})
