import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { createId } from '../ids.ts'
import { appendEvents, type TurnMove } from '../log/append-events.ts'
import { claimTurn } from '../turns/claim-turn.ts'
import { startLease } from '../turns/leases.ts'
import { sweepTurns } from '../turns/sweep-turns.ts'
import { pauseSession } from './pause-session.ts'
import { resumeSession } from './resume-session.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

/** A session whose turn runs, and what its worker would write to stop it. */
const seedRunning = async () => {
  const tenant = await seedTenant(test.db)
  const parts = silentParts(test.db)
  const sessionId = await seedSession(parts, tenant)
  const workerId = createId('wrk')
  await startLease(test.db, { workerId, engineId: null, kind: 'worker', host: 'here', pid: 1, leaseMs: 600_000 })
  const { rows } = await test.superuser.query<{ id: string }>('select id from turn where session_id = $1', [sessionId])
  const turnId = rows[0]?.id ?? ''
  const result = await claimTurn(test.db, { tenantId: tenant.tenantId, turnId, workerId, engineId: null, kind: 'worker' })
  if (result.refused !== undefined) throw new Error(result.refused)
  const { thread, epoch } = result.claimed
  const stop = (stopReason: 'RETRIES_EXHAUSTED' | 'BUDGET_REACHED', turn: Partial<Extract<TurnMove, { op: 'wait' }>>) =>
    appendEvents(test.db, {
      tenantId: tenant.tenantId,
      sessionId,
      threadId: thread.id,
      epoch,
      events: [{ type: 'session.status', actor: 'platform', payload: { status: 'PAUSED', stopReason, activity: null } }],
      turn: { op: 'wait', turnId, reason: 'paused', ...turn },
    })
  return { ...tenant, parts, sessionId, stop }
}

const read = async (sessionId: string) => {
  const { rows } = await test.superuser.query(
    "select s.status, s.stop_reason, s.control, t.state from session s join turn t on t.session_id = s.id and t.state <> 'settled' where s.id = $1",
    [sessionId],
  )
  return rows[0]
}

it('a wish to pause is spent when the turn stops for another reason: one resume lets it go on', async () => {
  const { parts, caller, sessionId, stop } = await seedRunning()
  await pauseSession(parts, caller, { sessionId })
  await stop('RETRIES_EXHAUSTED', {})
  await resumeSession(parts, caller, { sessionId })
  expect(await read(sessionId)).toEqual({ status: 'QUEUED', stop_reason: null, control: null, state: 'due' })
})

it('a session that waits for its budget and is paused by a person does not go on when the period begins anew', async () => {
  const { parts, caller, sessionId, stop } = await seedRunning()
  await stop('BUDGET_REACHED', { reason: 'budget_reached', dueAt: new Date(Date.now() - 1_000).toISOString() })
  await pauseSession(parts, caller, { sessionId })
  await sweepTurns(test.db)
  expect(await read(sessionId)).toMatchObject({ status: 'PAUSED', stop_reason: 'PAUSED_BY_USER', state: 'waiting' })
})

it('and neither does one whose period has begun anew already, before a worker takes it', async () => {
  const { parts, caller, sessionId, stop } = await seedRunning()
  await stop('BUDGET_REACHED', { reason: 'budget_reached', dueAt: new Date(Date.now() - 1_000).toISOString() })
  await sweepTurns(test.db)
  expect(await read(sessionId)).toMatchObject({ status: 'PAUSED', state: 'due' })
  await pauseSession(parts, caller, { sessionId })
  expect(await read(sessionId)).toMatchObject({ status: 'PAUSED', stop_reason: 'PAUSED_BY_USER', state: 'waiting' })
})
