import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { seedSession, silentParts } from '../../testing/seeds.ts'
import { createSweepScene, type SweepScene } from '../../testing/sweep-scene.ts'
import { appendEvents } from '../log/append-events.ts'
import { claimTurn } from './claim-turn.ts'
import { releaseClaim } from './release-claim.ts'
import { sweepTurns } from './sweep-turns.ts'

let scene: SweepScene
let test: SweepScene['test']
let seed: SweepScene['seed']
let mustClaim: SweepScene['mustClaim']
let kill: SweepScene['kill']
let hold: SweepScene['hold']
let turnOf: SweepScene['turnOf']
beforeAll(async () => {
  scene = await createSweepScene()
  ;({ test, seed, mustClaim, kill, hold, turnOf } = scene)
})
afterAll(() => scene?.test.close())
beforeEach(() => scene.clear())

describe('where money is waited for or held, the sweep', () => {
  it('looks at no session that is paused at its budget until its time has come, however many there are', async () => {
    const { sessionId, tenantId } = await seed()
    await test.superuser.query(
      `insert into turn (id, tenant_id, session_id, thread_id, kind, state, due_at, wait_reason, wait_scope)
       select 'trn_p' || i, $1, $2, 'thr_p' || i, 'work', 'waiting', 'infinity', 'budget_reached', 'TENANT:' || $1 from generate_series(1, 10000) i`,
      [tenantId, sessionId],
    )
    await test.superuser.query('analyze turn')
    const client = await test.db.system.connect()
    try {
      await client.query('begin')
      await client.query('select sweep_turns(15000)')
      const { rows } = await client.query(
        "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as read from pg_stat_xact_user_tables where relname = 'turn'",
      )
      expect(Number(rows[0]?.read)).toBeLessThan(200)
    } finally {
      await client.query('rollback')
      client.release()
    }
  })

  it("lets a turn that waits for held money look again after a while by the database's clock, whatever the worker's says", async () => {
    const of = await seed()
    const { tenantId, epoch, thread, turn } = await mustClaim(of)
    const wait = { op: 'wait', turnId: turn.id, reason: 'budget', scope: `TENANT:${tenantId}`, dueInMs: 15_000 } as const
    await appendEvents(test.db, { tenantId, sessionId: of.sessionId, threadId: thread.id, epoch, events: [], turn: wait })
    const { rows } = await test.superuser.query(
      "select due_at - clock_timestamp() between interval '10 seconds' and interval '15 seconds' as soon from turn where id = $1",
      [turn.id],
    )
    expect(rows).toEqual([{ soon: true }])
  })

  it('presumes what a dead worker held, once, and lets those go on who waited for the money', async () => {
    const [holder, waiter] = [await seed(), { sessionId: '', tenantId: '' }]
    waiter.tenantId = holder.tenantId
    waiter.sessionId = await seedSession(silentParts(test.db), holder)
    await test.superuser.query(
      "insert into budget (id, tenant_id, scope, scope_id, period, set_by, limit_nanos) values ('bgt_1', $1, 'TENANT', $1, 'LIFETIME', 'TENANT', 150)",
      [holder.tenantId],
    )
    const [held, blocked] = [await mustClaim(holder), await mustClaim(waiter)]
    expect(await hold(held, 100n)).toMatchObject({ granted: true })
    const refusal = await hold(blocked, 100n)
    expect(refusal).toMatchObject({ granted: false, by: 'held' })
    const scope = 'scope' in refusal ? refusal.scope : ''
    await appendEvents(test.db, {
      tenantId: holder.tenantId,
      sessionId: waiter.sessionId,
      threadId: blocked.thread.id,
      epoch: 1,
      events: [],
      turn: { op: 'wait', turnId: blocked.turn.id, reason: 'budget', scope },
    })
    expect(await turnOf(waiter.sessionId)).toMatchObject({ state: 'waiting', wait_reason: 'budget' })
    expect((await sweepTurns(test.db)).presumed).toEqual([])
    await kill(held.workerId)
    const swept = await sweepTurns(test.db)
    expect(swept.presumed).toMatchObject([{ sessionId: holder.sessionId }])
    expect(swept.wakes.map(({ turnId }) => turnId).toSorted()).toEqual([held.turn.id, blocked.turn.id].toSorted())
    expect((await sweepTurns(test.db)).presumed).toEqual([])
    const { rows } = await test.superuser.query(
      "select c.cost_nanos, c.basis, x.total_spent, x.total_reserved from charge c join spend x on x.scope = 'TENANT'",
    )
    expect(rows).toEqual([{ cost_nanos: '100', basis: 'presumed', total_spent: '100', total_reserved: '0' }])
  })

  it('presumes after a minute what its own living worker lost with an earlier claim, and not what it holds with this one', async () => {
    const session = await seed()
    const first = await mustClaim(session)
    expect(await hold(first, 100n)).toMatchObject({ granted: true })
    await releaseClaim(test.db, { tenantId: session.tenantId, threadId: first.thread.id, epoch: first.epoch, dueInMs: 0 })
    const of = { tenantId: session.tenantId, turnId: first.turn.id, workerId: first.workerId, engineId: null, kind: 'worker' as const }
    const again = await claimTurn(test.db, of)
    if (again.refused !== undefined) throw new Error(again.refused)
    expect(await hold(again.claimed, 50n)).toMatchObject({ granted: true })
    await test.superuser.query("update reservation set created_at = created_at - interval '2 minutes'")
    expect((await sweepTurns(test.db)).presumed).toHaveLength(1)
    const { rows } = await test.superuser.query('select amount_nanos::int as nanos, state from reservation order by amount_nanos')
    expect(rows).toEqual([
      { nanos: 50, state: 'held' },
      { nanos: 100, state: 'presumed' },
    ])
  })

  it('wakes who waits for money when nothing is held any more, or when the time to look again has come', async () => {
    const [free, due, blocked] = [await seed(), await seed(), await seed()]
    for (const of of [free, due, blocked]) {
      const { epoch, thread, turn, session } = await mustClaim(of)
      await test.superuser.query(
        "insert into spend (scope, scope_id, tenant_id, day, month, total_reserved) values ('TENANT', $1, $1, current_date, current_date, $2)",
        [of.tenantId, of === free ? 0 : 7],
      )
      const wait = {
        op: 'wait',
        turnId: turn.id,
        reason: 'budget',
        scope: `TENANT:${of.tenantId}`,
        dueAt: of === due ? new Date(0).toISOString() : null,
      } as const
      await appendEvents(test.db, { tenantId: of.tenantId, sessionId: session.id, threadId: thread.id, epoch, events: [], turn: wait })
    }
    const { wakes } = await sweepTurns(test.db)
    expect(wakes.map(({ tenantId }) => tenantId).toSorted()).toEqual([free.tenantId, due.tenantId].toSorted())
    expect(await turnOf(blocked.sessionId)).toMatchObject({ state: 'waiting' })
  })

  it('sends what it found and presumes the rest where one reservation can not be presumed', async () => {
    const [broken, whole] = [await mustClaim(await seed()), await mustClaim(await seed())]
    for (const claimed of [broken, whole]) await hold(claimed, 5n)
    await test.superuser.query("update spend set total_spent = 9223372036854775807 where scope = 'TENANT' and scope_id = $1", [
      broken.tenantId,
    ])
    for (const { workerId } of [broken, whole]) await kill(workerId)
    const { wakes, presumed, failures } = await sweepTurns(test.db)
    expect(wakes).toHaveLength(2)
    expect(presumed.map(({ sessionId }) => sessionId)).toEqual([whole.session.id])
    expect(failures).toHaveLength(1)
    await test.superuser.query('truncate spend')
  })
})
