import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { seedSession, silentParts } from '../../testing/seeds.ts'
import { createSweepScene, type SweepScene } from '../../testing/sweep-scene.ts'
import { createId } from '../ids.ts'
import { appendEvents } from '../log/append-events.ts'
import { lockSession } from '../sessions/change-session.ts'
import { sweepTurns } from './sweep-turns.ts'

let scene: SweepScene
let test: SweepScene['test']
let seed: SweepScene['seed']
let mustClaim: SweepScene['mustClaim']
let age: SweepScene['age']
let turnOf: SweepScene['turnOf']
beforeAll(async () => {
  scene = await createSweepScene()
  ;({ test, seed, mustClaim, age, turnOf } = scene)
})
afterAll(() => scene?.test.close())
beforeEach(() => scene.clear())

describe('the sweep', () => {
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
