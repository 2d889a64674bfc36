import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { createId } from '../ids.ts'
import { cancelSession } from '../sessions/cancel-session.ts'
import { deleteSession } from '../sessions/delete-session.ts'
import { pauseSession } from '../sessions/pause-session.ts'
import { resumeSession } from '../sessions/resume-session.ts'
import { sendMessage } from '../sessions/send-message.ts'
import { claimTurn } from '../turns/claim-turn.ts'
import { startLease } from '../turns/leases.ts'
import { sweepTurns } from '../turns/sweep-turns.ts'
import { updateTenant } from './update-tenant.ts'

let database: TestDatabase
const workerId = createId('wrk')
beforeAll(async () => {
  database = await createTestDatabase()
  await startLease(database.db, { workerId, engineId: null, kind: 'worker', host: 'here', pid: 1, leaseMs: 600_000 })
})
afterAll(() => database.close())

const seed = async (count: number) => {
  const parts = silentParts(database.db)
  const tenant = await seedTenant(database.db)
  const sessionIds: string[] = []
  for (let index = 0; index < count; index++) sessionIds.push(await seedSession(parts, tenant))
  return { parts, sessionIds, ...tenant }
}
const setStatus = (id: string, status: 'ACTIVE' | 'SUSPENDED') =>
  updateTenant(database.db, { id, name: null, status, maxConcurrentSessions: null, checkpointRetention: null })
const turnOf = async (sessionId: string | undefined) => {
  const { rows } = await database.superuser.query<{ id: string }>('select id from turn where session_id = $1', [sessionId])
  return String(rows[0]?.id)
}
const claim = async ({ tenantId, sessionIds }: { tenantId: string; sessionIds: string[] }) =>
  (await claimTurn(database.db, { tenantId, turnId: await turnOf(sessionIds[0]), workerId, engineId: null, kind: 'worker' })).refused

test('a suspended tenant starts nothing', async () => {
  const { parts, caller, tenantId, sessionIds, ...of } = await seed(1)
  const sessionId = String(sessionIds[0])
  await pauseSession(parts, caller, { sessionId })
  await setStatus(tenantId, 'SUSPENDED')
  for (const start of [
    () => sendMessage(parts, caller, { sessionId, text: 'Go on.', mode: 'QUEUE' }),
    () => resumeSession(parts, caller, { sessionId }),
    () => seedSession(parts, { caller, ...of }),
  ])
    await expect(start()).rejects.toMatchObject({ code: 'FORBIDDEN' })
})

test('a suspended tenant stops what it has: pause, cancel and delete', async () => {
  const { parts, caller, tenantId, sessionIds } = await seed(3)
  const [paused, canceled, deleted] = sessionIds.map(String)
  await setStatus(tenantId, 'SUSPENDED')
  await pauseSession(parts, caller, { sessionId: String(paused) })
  await cancelSession(parts, caller, { sessionId: String(canceled), reason: null })
  await deleteSession(parts, caller, { sessionId: String(deleted) })
  const { rows } = await database.superuser.query(
    'select id, status, deleted_at is not null as gone from session where tenant_id = $1 order by created_at',
    [tenantId],
  )
  expect(rows).toEqual([
    { id: paused, status: 'PAUSED', gone: false },
    { id: canceled, status: 'CANCELED', gone: false },
    { id: deleted, status: 'QUEUED', gone: true },
  ])
})

test('a turn whose wake was on its way when its tenant was suspended is claimed by nobody, until the tenant is active again', async () => {
  const of = await seed(1)
  await setStatus(of.tenantId, 'SUSPENDED')
  expect(await claim(of)).toBe('not_due')
  expect((await sweepTurns(database.db)).wakes).toEqual([])
  await setStatus(of.tenantId, 'ACTIVE')
  expect((await sweepTurns(database.db)).wakes).toMatchObject([{ tenantId: of.tenantId }])
  expect(await claim(of)).toBeUndefined()
})
