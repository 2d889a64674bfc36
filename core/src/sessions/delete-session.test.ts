import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { reserveCall, settleCall } from '../budgets/reserve-call.ts'
import { checkDatabase } from '../checker/check-database.ts'
import { createId } from '../ids.ts'
import { claimTurn } from '../turns/claim-turn.ts'
import { startLease } from '../turns/leases.ts'
import { deleteSession } from './delete-session.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test('what a session spent stays in the ledger, also when its rows are gone', async () => {
  const { db } = database
  const parts = silentParts(db)
  const tenant = await seedTenant(db)
  const { tenantId } = tenant
  const sessionId = await seedSession(parts, tenant)
  const workerId = createId('wrk')
  await startLease(db, { workerId, engineId: null, kind: 'worker', host: 'here', pid: 1, leaseMs: 600_000 })
  const { rows } = await database.superuser.query<{ id: string }>('select id from turn where session_id = $1', [sessionId])
  const result = await claimTurn(db, { tenantId, turnId: String(rows[0]?.id), workerId, engineId: null, kind: 'worker' })
  if (result.refused !== undefined) throw new Error(result.refused)
  const { epoch, session, thread, turn } = result.claimed
  const reservationId = createId('rsv')
  const of = { tenantId, workerId, epoch, sessionId, threadId: thread.id, turnId: turn.id, agentId: session.agentId }
  const call = { id: reservationId, kind: 'work', model: 'm', fixedNanos: 70n, perTokenNanos: 0n, maxTokens: 1, minTokens: 1 } as const
  await reserveCall(db, { ...of, ...call })
  await settleCall(db, tenantId, { reservationId, costNanos: 42n, usage: null, basis: 'estimated' })
  await deleteSession(parts, tenant.caller, { sessionId })
  await database.superuser.query('delete from session where id = $1', [sessionId])

  const kept = await database.superuser.query('select session_id, cost_nanos::int as cost from charge where tenant_id = $1', [tenantId])
  expect(kept.rows).toEqual([{ session_id: sessionId, cost: 42 }])
  const settings = { databaseUrl: database.url, modelWitnesses: [], clientWitnesses: [], dockerHost: null, graceMs: 1_000, settled: true }
  expect((await checkDatabase(settings)).violations).toEqual([])
})

test("a deleted session's slot is another's at once", async () => {
  const parts = silentParts(database.db)
  const tenant = await seedTenant(database.db, { maxConcurrentSessions: 1 })
  const [first, second] = [await seedSession(parts, tenant), await seedSession(parts, tenant)]
  const { rows } = await database.superuser.query<{ id: string }>('select id from turn where session_id = $1', [second])
  parts.wakes.length = 0
  await deleteSession(parts, tenant.caller, { sessionId: first })
  expect(parts.wakes).toMatchObject([{ turnId: rows[0]?.id }])
})
