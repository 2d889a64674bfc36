import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { claimTurn } from '../turns/claim-turn.ts'
import { startLease } from '../turns/leases.ts'
import { appendEvents } from './append-events.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

const seed = async () => {
  const parts = silentParts(test.db)
  const tenant = await seedTenant(test.db)
  const sessionId = await seedSession(parts, tenant)
  const { rows } = await test.superuser.query('select primary_thread_id, head, head_hash, status from session where id = $1', [sessionId])
  const turn = await test.superuser.query('select * from turn where session_id = $1', [sessionId])
  return { parts, ...tenant, sessionId, threadId: rows[0].primary_thread_id as string, session: rows[0], turn: turn.rows[0] }
}

describe('appending', () => {
  it('numbers a new session from 1 and leaves its first turn due and woken once', async () => {
    const { parts, session, turn } = await seed()
    expect(session).toMatchObject({ head: 3, status: 'QUEUED' })
    expect(turn).toMatchObject({ state: 'due', kind: 'work', wake_no: 1 })
    expect(parts.wakes).toHaveLength(1)
  })

  it("refuses an epoch that is not the claim's, and a claim that nobody holds", async () => {
    const { tenantId, sessionId, threadId, turn } = await seed()
    const event = {
      type: 'session.status',
      actor: 'platform',
      payload: { status: 'IDLE', stopReason: 'END_TURN', activity: null },
    } as const
    const append = (epoch: number) => appendEvents(test.db, { tenantId, sessionId, threadId, epoch, events: [event] })
    expect(await append(0)).toEqual({ refused: 'stale_epoch' })
    await startLease(test.db, { workerId: `wrk_${sessionId}`, engineId: null, kind: 'worker', host: 'here', pid: 1, leaseMs: 60_000 })
    const claim = await claimTurn(test.db, { tenantId, turnId: turn.id, workerId: `wrk_${sessionId}`, engineId: null, kind: 'worker' })
    expect(claim).toMatchObject({ claimed: { epoch: 1, unread: [{ seq: 3, mode: 'queue' }] } })
    expect(await append(2)).toEqual({ refused: 'stale_epoch' })
    expect(await append(1)).toMatchObject({ head: 5, status: 'IDLE' })
  })

  it('shows another tenant no row', async () => {
    const { sessionId } = await seed()
    const other = await seedTenant(test.db)
    expect(await appendEvents(test.db, { tenantId: other.tenantId, sessionId, threadId: 'thr_x', epoch: null, events: [] })).toEqual({
      refused: 'not_found',
    })
  })
})
