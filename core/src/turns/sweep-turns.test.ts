import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { reserveCall } from '../budgets/reserve-call.ts'
import { createId } from '../ids.ts'
import { appendEvents } from '../log/append-events.ts'
import { lockSession } from '../sessions/change-session.ts'
import { resumeSession } from '../sessions/resume-session.ts'
import { type ClaimedTurn, claimTurn, type WorkerKind } from './claim-turn.ts'
import { findDueTurns } from './find-due-turns.ts'
import { startLease } from './leases.ts'
import { releaseClaim } from './release-claim.ts'
import { sweepTurns } from './sweep-turns.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase({ maxConnections: 24 })
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.superuser.query('truncate tenant, lease cascade')
})

const age = (seconds: number, sessionId: string) =>
  test.superuser.query(`update turn set woken_at = woken_at - $1 * interval '1 second' where session_id = $2`, [seconds, sessionId])

const turnOf = async (sessionId: string) => {
  const { rows } = await test.superuser.query(
    "select id, state, wake_no, woken_at, suspect, alone, crashes, wait_reason, due_at from turn where session_id = $1 and state <> 'settled'",
    [sessionId],
  )
  return rows[0] as {
    id: string
    state: string
    wake_no: number
    woken_at: Date | null
    suspect: boolean
    crashes: number
    wait_reason: string | null
  }
}

const seed = async (options: Parameters<typeof seedTenant>[1] = {}) => {
  const tenant = await seedTenant(test.db, options)
  const sessionId = await seedSession(silentParts(test.db), tenant)
  return { ...tenant, sessionId }
}

const claim = async ({ tenantId, sessionId }: { tenantId: string; sessionId: string }, kind: WorkerKind = 'worker') => {
  const workerId = createId('wrk')
  await startLease(test.db, { workerId, engineId: null, kind, host: 'here', pid: 1, leaseMs: 600_000 })
  const result = await claimTurn(test.db, { tenantId, turnId: (await turnOf(sessionId)).id, workerId, engineId: null, kind })
  return result.refused === undefined ? { ...result.claimed, workerId } : result
}
const mustClaim = async (...args: Parameters<typeof claim>): Promise<ClaimedTurn> => {
  const claimed = await claim(...args)
  if ('refused' in claimed) throw new Error(claimed.refused)
  return claimed
}
const kill = (workerId: string) => test.superuser.query('update lease set expires_at = clock_timestamp() where worker_id = $1', [workerId])

const hold = async (claimed: ClaimedTurn, nanos: bigint) => {
  const { tenantId, workerId, epoch, session, thread, turn } = claimed
  const of = { tenantId, workerId, epoch, sessionId: session.id, threadId: thread.id, turnId: turn.id, agentId: session.agentId }
  return reserveCall(test.db, {
    ...of,
    id: createId('rsv'),
    kind: 'work',
    model: 'm',
    fixedNanos: nanos,
    perTokenNanos: 0n,
    maxTokens: 10,
    minTokens: 1,
  })
}

it('turns that still wait for a worker are told from those that one has claimed, across tenants', async () => {
  const [waiting, claimed] = [await seed(), await seed()]
  await mustClaim(claimed)
  const ids = [(await turnOf(waiting.sessionId)).id, (await turnOf(claimed.sessionId)).id]
  expect(await findDueTurns(test.db, [...ids, createId('trn')])).toEqual(new Set([ids[0]]))
})

describe('the sweep', () => {
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

  it('waits for nobody: a transaction that hangs stops neither another tenant nor another session', async () => {
    const { caller, ...stuck } = await seed()
    const beside = await seedSession(silentParts(test.db), { caller, ...stuck })
    const other = await seed()
    const client = await test.db.app.connect()
    try {
      await age(60, stuck.sessionId)
      await client.query('begin')
      const { id, primaryThreadId } = await lockSession(client, { tenantId: stuck.tenantId, sessionId: stuck.sessionId })
      const turn = { op: 'ensure', next: { id: createId('trn'), kind: 'work' } } as const
      const change = { tenantId: stuck.tenantId, sessionId: id, threadId: primaryThreadId, epoch: null, events: [], turn }
      await appendEvents({ client }, change)
      // Wakes that were lost, and a slot that was never given out.
      await age(60, other.sessionId)
      await test.superuser.query('update turn set woken_at = null where session_id = $1', [beside])
      const swept = await Promise.race([sweepTurns(test.db), new Promise<null>((resolve) => setTimeout(() => resolve(null), 3_000))])
      expect(swept?.wakes.map(({ turnId }) => turnId)).toEqual([(await turnOf(other.sessionId)).id])
    } finally {
      await client.query('rollback')
      client.release()
    }
  })

  it('sends a wake that nobody took again after two seconds, then four, then eight, under a new number each', async () => {
    const of = await seed()
    expect((await sweepTurns(test.db)).wakes).toEqual([])
    for (const [index, seconds] of [2, 4, 8, 16, 30, 30].entries()) {
      await age(seconds - 1, of.sessionId)
      expect((await sweepTurns(test.db)).wakes).toEqual([])
      await age(1, of.sessionId)
      expect((await sweepTurns(test.db)).wakes).toMatchObject([
        { turnId: (await turnOf(of.sessionId)).id, wakeNo: index + 2, tenantId: of.tenantId },
      ])
    }
  })

  it('is as patient with a turn that became due again as with a new one: a wake lost late in a long turn costs two seconds', async () => {
    const of = await seed()
    for (let stretch = 1; stretch <= 6; stretch++) {
      const { tenantId, epoch, thread, turn } = await mustClaim(of)
      const delay = { op: 'delay', turnId: turn.id, dueInMs: 0, attempt: stretch, reason: 'retry' } as const
      await appendEvents(test.db, { tenantId, sessionId: of.sessionId, threadId: thread.id, epoch, events: [], turn: delay })
      await sweepTurns(test.db)
    }
    await age(2, of.sessionId)
    expect((await sweepTurns(test.db)).wakes).toMatchObject([{ turnId: (await turnOf(of.sessionId)).id }])
  })

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

  it('leaves a turn alone that runs, waits, or is not due yet', async () => {
    const [running, waiting, later] = [await seed(), await seed(), await seed()]
    await mustClaim(running)
    for (const [of, turn] of [
      [waiting, { op: 'wait', reason: 'paused' }],
      [later, { op: 'delay', dueInMs: 60_000, attempt: 1, reason: 'retry' }],
    ] as const) {
      const { tenantId, epoch, thread, turn: own } = await mustClaim(of)
      await appendEvents(test.db, {
        tenantId,
        sessionId: of.sessionId,
        threadId: thread.id,
        epoch,
        events: [],
        turn: { ...turn, turnId: own.id },
      })
    }
    for (const { sessionId } of [running, waiting, later]) await age(3_600, sessionId)
    expect((await sweepTurns(test.db)).wakes).toEqual([])
    await test.superuser.query('update turn set due_at = clock_timestamp() where session_id = $1', [later.sessionId])
    expect((await sweepTurns(test.db)).wakes).toMatchObject([{ wakeNo: 2 }])
  })

  it('does not wake the turns of a suspended tenant', async () => {
    const of = await seed()
    await test.superuser.query("update tenant set status = 'SUSPENDED' where id = $1", [of.tenantId])
    await age(60, of.sessionId)
    expect((await sweepTurns(test.db)).wakes).toEqual([])
    await test.superuser.query("update tenant set status = 'ACTIVE' where id = $1", [of.tenantId])
    expect((await sweepTurns(test.db)).wakes).toMatchObject([{ tenantId: of.tenantId }])
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

  it('counts no crash against a crowd of suspects that died together, and lets no crowd have them again', async () => {
    const of = await seed()
    const sweepDead = async (kind: WorkerKind) => {
      const { workerId } = await mustClaim(of, kind)
      await kill(workerId)
      await sweepTurns(test.db)
    }
    await sweepDead('worker')
    expect(await claim(of, 'worker')).toMatchObject({ refused: 'suspect' })
    await sweepDead('crowd')
    expect(await turnOf(of.sessionId)).toMatchObject({ state: 'due', suspect: true, alone: true, crashes: 0 })
    for (const kind of ['worker', 'crowd'] as const) expect(await claim(of, kind)).toMatchObject({ refused: 'alone' })
    await sweepDead('suspect')
    expect(await turnOf(of.sessionId)).toMatchObject({ suspect: true, alone: true, crashes: 1 })
  })

  it('makes the turns of a dead worker due again as suspects, and leaves those of the living', async () => {
    const [dead, living] = [await seed(), await seed()]
    const { workerId } = await mustClaim(dead)
    await mustClaim(living)
    await kill(workerId)
    expect((await sweepTurns(test.db)).wakes).toMatchObject([{ tenantId: dead.tenantId }])
    expect(await turnOf(dead.sessionId)).toMatchObject({ state: 'due', suspect: true, crashes: 0 })
    expect(await turnOf(living.sessionId)).toMatchObject({ state: 'running', suspect: false })
    const { rows } = await test.superuser.query('select worker_id from lease')
    expect(rows.map((row) => row.worker_id)).not.toContain(workerId)
  })

  it('counts only crashes alone, pauses the session after three of them, and starts counting anew when a person resumes it', async () => {
    const of = await seed()
    const { workerId } = await mustClaim(of)
    await kill(workerId)
    await sweepTurns(test.db)
    for (let crash = 1; crash <= 3; crash++) {
      const { workerId: alone } = await mustClaim(of, 'suspect')
      await kill(alone)
      await sweepTurns(test.db)
      expect(await turnOf(of.sessionId)).toMatchObject({ state: 'due', suspect: true, crashes: crash })
    }
    expect(await claim(of, 'suspect')).toMatchObject({ refused: 'crash_loop', sessionId: of.sessionId })
    const status = async () => (await test.superuser.query('select status, stop_reason from session where id = $1', [of.sessionId])).rows[0]
    expect(await status()).toEqual({ status: 'PAUSED', stop_reason: 'CRASH_LOOP' })
    expect((await sweepTurns(test.db)).wakes).toEqual([])
    await resumeSession(silentParts(test.db), of.caller, { sessionId: of.sessionId })
    expect(await turnOf(of.sessionId)).toMatchObject({ state: 'due', suspect: true, crashes: 0 })
    await mustClaim(of, 'suspect')
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

  it('is run by one of all workers: what is due is sent once', async () => {
    const of = await Promise.all(Array.from({ length: 20 }, () => seed()))
    for (const { sessionId } of of) await age(60, sessionId)
    const sweeps = await Promise.all(Array.from({ length: 12 }, () => sweepTurns(test.db)))
    const wakes = sweeps.flatMap((sweep) => sweep.wakes)
    expect(wakes).toHaveLength(20)
    expect(new Set(wakes.map(({ turnId }) => turnId)).size).toBe(20)
    // While one is at it, the others do nothing.
    const busy = await test.superuser.connect()
    await busy.query("begin; select pg_advisory_xact_lock(hashtextextended('longhaul.sweep', 0))")
    for (const { sessionId } of of) await age(60, sessionId)
    expect(await sweepTurns(test.db)).toEqual({ ran: false, wakes: [], presumed: [], failures: [] })
    await busy.query('rollback')
    busy.release()
    expect((await sweepTurns(test.db)).wakes).toHaveLength(20)
  })
})

describe("a tenant's slots", () => {
  it('are never more than it may run at once, whoever gives them out, and none stays empty while a turn waits', async () => {
    const tenant = await seedTenant(test.db, { maxConcurrentSessions: 3 })
    const parts = silentParts(test.db)
    const sessions = await Promise.all(Array.from({ length: 15 }, () => seedSession(parts, tenant)))
    const busy = async () =>
      Number(
        (
          await test.superuser.query(
            "select count(*) from turn where tenant_id = $1 and woken_at is not null and state in ('due', 'running')",
            [tenant.tenantId],
          )
        ).rows[0].count,
      )
    expect([parts.wakes.length, await busy()]).toEqual([3, 3])
    const seen: number[] = []
    // Each settles and hands its slot on, all at once, with sweeps in between.
    const finish = async (sessionId: string): Promise<void> => {
      for (;;) {
        const claimed = await claim({ tenantId: tenant.tenantId, sessionId })
        seen.push(await busy())
        if ('refused' in claimed) {
          await sweepTurns(test.db)
          continue
        }
        await appendEvents(test.db, {
          tenantId: tenant.tenantId,
          sessionId,
          threadId: claimed.thread.id,
          epoch: claimed.epoch,
          events: [],
          turn: { op: 'settle', turnId: claimed.turn.id, outcome: 'ended', next: null },
        })
        return
      }
    }
    await Promise.all(sessions.map(finish))
    expect(Math.max(...seen)).toBeLessThanOrEqual(3)
    expect(await busy()).toBe(0)
  })

  it('go to the oldest turns first, and each wake says how many of the tenant stand before it', async () => {
    const tenant = await seedTenant(test.db, { maxConcurrentSessions: 2 })
    const parts = silentParts(test.db)
    const sessions: string[] = []
    for (let index = 0; index < 4; index++) sessions.push(await seedSession(parts, tenant))
    expect(parts.wakes).toMatchObject([{ rank: 1 }, { rank: 2 }])
    const claimed = await mustClaim({ tenantId: tenant.tenantId, sessionId: sessions[1]! })
    const settled = await appendEvents(test.db, {
      tenantId: tenant.tenantId,
      sessionId: sessions[1]!,
      threadId: claimed.thread.id,
      epoch: 1,
      events: [],
      turn: { op: 'settle', turnId: claimed.turn.id, outcome: 'ended', next: null },
    })
    expect(settled).toMatchObject({ wakes: [{ turnId: (await turnOf(sessions[2]!)).id, rank: 2 }] })
  })
})
