import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { createId } from '../ids.ts'
import { appendEvents } from '../log/append-events.ts'
import { deleteSession } from '../sessions/delete-session.ts'
import { claimTurn } from '../turns/claim-turn.ts'
import { startLease } from '../turns/leases.ts'
import { removeBudget } from './remove-budget.ts'
import { type ReserveResult, reserveCall, settleCall } from './reserve-call.ts'
import { resumeStopped, setBudget } from './set-budget.ts'

let test: TestDatabase
let workerId: string
beforeAll(async () => {
  test = await createTestDatabase()
  workerId = createId('wrk')
  await startLease(test.db, { workerId, engineId: null, kind: 'worker', host: 'here', pid: 1, leaseMs: 3_600_000 })
})
afterAll(() => test.close())

type Tenant = Awaited<ReturnType<typeof seedTenant>>
const parts = () => silentParts(test.db)
const change = (limitNanos: bigint, { tenantId, caller }: Tenant) =>
  setBudget(parts(), {
    tenantId,
    keyId: caller.keyId,
    setBy: 'TENANT',
    scope: 'TENANT',
    scopeId: tenantId,
    period: 'LIFETIME',
    limitNanos,
    alertPercents: null,
  })

/** A session whose turn runs, and what its worker asks and writes. */
const seedRunning = async (tenant: Tenant) => {
  const { tenantId, agentId } = tenant
  const sessionId = await seedSession(parts(), tenant)
  const { rows } = await test.superuser.query<{ id: string }>('select id from turn where session_id = $1', [sessionId])
  const turnId = rows[0]?.id ?? ''
  const claim = await claimTurn(test.db, { tenantId, turnId, workerId, engineId: null, kind: 'worker' })
  if (claim.refused !== undefined) throw new Error(claim.refused)
  const of = { tenantId, sessionId, threadId: claim.claimed.thread.id, epoch: claim.claimed.epoch, turnId }
  const call = { agentId, workerId, kind: 'work' as const, model: 'm', perTokenNanos: 0n, maxTokens: 1, minTokens: 1 }
  const hold = (fixedNanos: bigint, id = createId('rsv')) => reserveCall(test.db, { ...of, ...call, id, fixedNanos })
  /** As a worker waits that was refused. */
  const wait = (refusal: ReserveResult) => {
    if (!('granted' in refusal) || refusal.granted) throw new Error('nothing was refused')
    const { budgetId, limitNanos, spentNanos, scope } = refusal
    return appendEvents(test.db, {
      ...of,
      events: [{ type: 'session.status', actor: 'platform', payload: { status: 'PAUSED', stopReason: 'BUDGET_REACHED', activity: null } }],
      guard: { budget: { id: budgetId, limitNanos, spentNanos } },
      turn: { op: 'wait', turnId, reason: 'budget_reached', scope, dueAt: null },
    })
  }
  return { sessionId, turnId, hold, wait }
}

const turnOf = async (sessionId: string) =>
  (await test.superuser.query("select state, due_at < now() + interval '1 minute' as soon from turn where session_id = $1", [sessionId]))
    .rows[0]

/** Until so many connections of this database wait for a lock. */
const waiting = async (count: number): Promise<void> => {
  for (;;) {
    const { rows } = await test.superuser.query<{ n: number }>(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    )
    if ((rows[0]?.n ?? 0) >= count) return
  }
}

describe('a cap that is lowered', () => {
  it('holds for a call that was asked for before and had to wait until it was', async () => {
    const tenant = await seedTenant(test.db)
    const { hold } = await seedRunning(tenant)
    await change(100n, tenant)
    expect(await hold(1n)).toMatchObject({ granted: true })
    const lowering = await test.db.app.connect()
    await lowering.query('begin')
    await lowering.query("select set_config('longhaul.tenant', $1, true)", [tenant.tenantId])
    await lowering.query("select from spend where scope = 'TENANT' and scope_id = $1 for update", [tenant.tenantId])
    await lowering.query('update budget set limit_nanos = 50 where scope_id = $1', [tenant.tenantId])
    const asked = hold(60n)
    await waiting(1)
    await lowering.query('commit')
    lowering.release()
    expect(await asked).toMatchObject({ granted: false, by: 'spent' })
  })

  it('is not set while a call is being let in: that one counts as in flight, and none starts under the old cap afterwards', async () => {
    const tenant = await seedTenant(test.db)
    const { hold } = await seedRunning(tenant)
    await change(100n, tenant)
    expect(await hold(1n)).toMatchObject({ granted: true })
    const busy = await test.superuser.connect()
    await busy.query('begin')
    await busy.query("select from spend where scope = 'TENANT' and scope_id = $1 for update", [tenant.tenantId])
    const asked = hold(60n)
    await waiting(1)
    const lowered = change(50n, tenant).then(() => 'lowered')
    const first = await Promise.race([lowered, waiting(2).then(() => 'waits')])
    await busy.query('commit')
    busy.release()
    expect(first).toBe('waits')
    expect(await asked).toMatchObject({ granted: true })
    await lowered
    expect(await hold(1n)).toMatchObject({ granted: false })
  })
})

describe('a cap that is raised or taken away', () => {
  it('is not missed by a turn that was refused under it and is about to wait', async () => {
    const tenant = await seedTenant(test.db)
    const [raised, removed] = [await seedRunning(tenant), await seedRunning(tenant)]
    const { budgetId } = await change(10n, tenant)
    const refusals = [await raised.hold(60n), await removed.hold(60n)] as const
    await change(100n, tenant)
    expect(await raised.wait(refusals[0])).toEqual({ refused: 'budget' })
    const again = await removed.hold(1_000n)
    await removeBudget(parts(), { ...tenant, keyId: tenant.caller.keyId, setBy: 'TENANT', budgetId })
    expect(await removed.wait(again)).toEqual({ refused: 'budget' })
    expect(await turnOf(raised.sessionId)).toMatchObject({ state: 'running' })
  })

  it('is waited for by a turn that waits at the same moment, and sets it free', async () => {
    const tenant = await seedTenant(test.db)
    const { sessionId, hold, wait } = await seedRunning(tenant)
    await change(10n, tenant)
    const refusal = await hold(60n)
    // The turn's wait is written and not yet committed: it has looked at the cap.
    const busy = await test.superuser.connect()
    await busy.query('begin')
    await busy.query('select from budget where scope_id = $1 for share', [tenant.tenantId])
    const raised = change(100n, tenant)
    await waiting(1)
    expect(await wait(refusal)).not.toHaveProperty('refused')
    await busy.query('commit')
    busy.release()
    await raised
    expect(await turnOf(sessionId)).toMatchObject({ state: 'due' })
  })

  it('sets free all that stopped at it, also beyond one that was deleted meanwhile', async () => {
    const tenant = await seedTenant(test.db)
    const [deleted, stopped] = [await seedRunning(tenant), await seedRunning(tenant)]
    await change(10n, tenant)
    for (const one of [deleted, stopped]) await one.wait(await one.hold(60n))
    await deleteSession(parts(), tenant.caller, { sessionId: deleted.sessionId })
    await resumeStopped(
      parts(),
      { tenantId: tenant.tenantId, keyId: 'k' },
      { sessionIds: [deleted.sessionId, stopped.sessionId], raised: null },
    )
    expect(await turnOf(stopped.sessionId)).toMatchObject({ state: 'due' })
  })

  it('leaves none behind where its process dies before it has told them: the sweep finds them', async () => {
    const tenant = await seedTenant(test.db)
    const { sessionId, hold, wait } = await seedRunning(tenant)
    await change(10n, tenant)
    await wait(await hold(60n))
    expect(await turnOf(sessionId)).toEqual({ state: 'waiting', soon: false })
    const held = await test.superuser.connect()
    await held.query('begin')
    await held.query('select from session where id = $1 for update', [sessionId])
    const raised = change(100n, tenant)
    await waiting(1)
    expect(await turnOf(sessionId)).toEqual({ state: 'waiting', soon: true })
    await held.query('commit')
    held.release()
    await raised
  })
})

describe('a call of a dead worker that cost less than was presumed', () => {
  /** Its worst case counts in full, until who made it says what it cost. */
  const presume = async (tenant: Tenant) => {
    const slow = await seedRunning(tenant)
    const reservationId = createId('rsv')
    await slow.hold(80n, reservationId)
    await test.db.app.query('select presume_reservation($1, $2)', [tenant.tenantId, reservationId])
    return () => settleCall(test.db, tenant.tenantId, { reservationId, costNanos: 10n, usage: null, basis: 'exact' })
  }

  it('sets free who stopped at a cap that now holds him', async () => {
    const tenant = await seedTenant(test.db)
    await change(100n, tenant)
    const settle = await presume(tenant)
    const { sessionId, hold, wait } = await seedRunning(tenant)
    await wait(await hold(60n))
    expect(await turnOf(sessionId)).toMatchObject({ state: 'waiting' })
    const { wakes } = await settle()
    expect(await turnOf(sessionId)).toMatchObject({ state: 'due' })
    expect(wakes).toHaveLength(1)
  })

  it('is not missed by a turn that was refused before and is about to wait', async () => {
    const tenant = await seedTenant(test.db)
    await change(100n, tenant)
    const settle = await presume(tenant)
    const { sessionId, hold, wait } = await seedRunning(tenant)
    const refusal = await hold(60n)
    await settle()
    expect(await wait(refusal)).toEqual({ refused: 'budget' })
    expect(await turnOf(sessionId)).toMatchObject({ state: 'running' })
  })
})
