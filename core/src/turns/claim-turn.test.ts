import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { createId } from '../ids.ts'
import { type Append, appendEvents } from '../log/append-events.ts'
import { type ClaimedTurn, claimTurn, type WorkerKind } from './claim-turn.ts'
import { endLease, renewLease, startLease } from './leases.ts'
import { releaseClaim } from './release-claim.ts'
import { sweepTurns } from './sweep-turns.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

const startWorker = async ({ engineId = null as string | null, kind = 'worker' as const } = {}): Promise<string> => {
  const workerId = createId('wrk')
  await startLease(test.db, { workerId, engineId, kind, host: 'here', pid: 1, leaseMs: 600_000 })
  return workerId
}

const seed = async (options: Parameters<typeof seedTenant>[1] = {}) => {
  const tenant = await seedTenant(test.db, options)
  const sessionId = await seedSession(silentParts(test.db), tenant)
  return { ...tenant, sessionId, turnId: await openTurn(sessionId) }
}

const openTurn = async (sessionId: string): Promise<string> => {
  const { rows } = await test.superuser.query<{ id: string }>("select id from turn where session_id = $1 and state <> 'settled'", [
    sessionId,
  ])
  return rows[0]?.id ?? ''
}

const claim = (of: { tenantId: string; turnId: string }, workerId: string, more: { engineId?: string | null; kind?: WorkerKind } = {}) =>
  claimTurn(test.db, { engineId: null, kind: 'worker', ...more, tenantId: of.tenantId, turnId: of.turnId, workerId })

const write = (tenantId: string, { session, thread, epoch }: ClaimedTurn, more: Partial<Append> = {}) =>
  appendEvents(test.db, { tenantId, sessionId: session.id, threadId: thread.id, epoch, events: [], ...more })

describe('claiming a turn', () => {
  it('lets exactly one of two workers have it, a thousand times, and refuses whatever an earlier holder still writes', async () => {
    const of = await seed()
    const workers = [await startWorker(), await startWorker()]
    let turnId = of.turnId
    let before: ClaimedTurn | null = null
    for (let race = 1; race <= 1_000; race++) {
      const results = await Promise.all(workers.map((worker) => claim({ ...of, turnId }, worker)))
      const won = results.flatMap((result) => (result.refused === undefined ? [result.claimed] : []))
      expect(won.map(({ epoch }) => epoch)).toEqual([race])
      expect(results.flatMap(({ refused }) => refused ?? [])).toEqual(['not_due'])
      const next = createId('trn')
      const settle = { op: 'settle', turnId, outcome: 'continue', next: { id: next, kind: 'work' } } as const
      if (before !== null) expect(await write(of.tenantId, before, { turn: settle })).toEqual({ refused: 'stale_epoch' })
      expect(await write(of.tenantId, won[0]!, { turn: settle })).not.toHaveProperty('refused')
      before = won[0]!
      turnId = next
    }
  }, 120_000)

  it('claims nothing at a second delivery of the same wake, while it runs and after it', async () => {
    const of = await seed()
    const worker = await startWorker()
    const first = await claim(of, worker)
    if (first.refused !== undefined) throw new Error(first.refused)
    expect(await claim(of, await startWorker())).toEqual({ refused: 'not_due' })
    await write(of.tenantId, first.claimed, { turn: { op: 'settle', turnId: of.turnId, outcome: 'ended', next: null } })
    expect(await claim(of, worker)).toEqual({ refused: 'not_due' })
    expect(await claim({ ...of, turnId: 'trn_unheard' }, worker)).toEqual({ refused: 'gone' })
  })

  it("is for workers whose lease lives, on the engine that has the sandbox, and of the tenant's own turns", async () => {
    const of = await seed()
    expect(await claim(of, createId('wrk'))).toEqual({ refused: 'no_lease' })
    await test.superuser.query("update session set engine_id = 'eng_1' where id = $1", [of.sessionId])
    expect(await claim(of, await startWorker())).toEqual({ refused: 'engine', engineId: 'eng_1' })
    const other = await seedTenant(test.db)
    expect(await claim({ ...of, tenantId: other.tenantId }, await startWorker())).toEqual({ refused: 'gone' })
    expect(await claim(of, await startWorker({ engineId: 'eng_1' }), { engineId: 'eng_1' })).toMatchObject({ claimed: { epoch: 1 } })
  })

  it("waits for the turn's time, and for a slot of its tenant", async () => {
    const of = await seed({ maxConcurrentSessions: 1 })
    const second = await seedSession(silentParts(test.db), of)
    const worker = await startWorker()
    // A job of an earlier wake may arrive at any time: without a slot it claims nothing.
    expect(await claim({ ...of, turnId: await openTurn(second) }, worker)).toEqual({ refused: 'not_due' })
    const first = await claim(of, worker)
    if (first.refused !== undefined) throw new Error(first.refused)
    await write(of.tenantId, first.claimed, { turn: { op: 'delay', turnId: of.turnId, dueInMs: 60_000, attempt: 1, reason: 'retry' } })
    expect(await claim(of, worker)).toEqual({ refused: 'not_due' })
    expect(await claim({ ...of, turnId: await openTurn(second) }, worker)).toMatchObject({ claimed: { epoch: 1 } })
  })

  it("ends with its worker's lease: what the worker writes after another took over is refused, and before it too", async () => {
    const of = await seed()
    const stalled = await startWorker()
    const first = await claim(of, stalled)
    if (first.refused !== undefined) throw new Error(first.refused)
    await endLease(test.db, stalled)
    expect(await renewLease(test.db, { workerId: stalled, leaseMs: 60_000 })).toEqual({ alive: false, claims: [] })
    expect(await sweepTurns(test.db)).toMatchObject({ ran: true, wakes: [{ turnId: of.turnId, wakeNo: 2 }] })
    expect(await write(of.tenantId, first.claimed)).toEqual({ refused: 'stale_epoch' })
    expect(await claim(of, await startWorker())).toEqual({ refused: 'suspect' })
    expect(await claim(of, await startWorker(), { kind: 'suspect' })).toMatchObject({ claimed: { epoch: 2, turn: { suspect: true } } })
    expect(await write(of.tenantId, first.claimed)).toEqual({ refused: 'stale_epoch' })
    expect(await releaseClaim(test.db, { tenantId: of.tenantId, threadId: first.claimed.thread.id, epoch: 1, dueInMs: 0 })).toEqual([])
  })

  it('can be let go without a crash: the turn is due again for anybody, under a new epoch', async () => {
    const of = await seed()
    const first = await claim(of, await startWorker())
    if (first.refused !== undefined) throw new Error(first.refused)
    const wakes = await releaseClaim(test.db, { tenantId: of.tenantId, threadId: first.claimed.thread.id, epoch: 1, dueInMs: 0 })
    expect(wakes).toMatchObject([{ turnId: of.turnId }])
    expect(await claim(of, await startWorker())).toMatchObject({ claimed: { epoch: 2, turn: { suspect: false } } })
  })

  it('writes for no other session than its own', async () => {
    const [mine, other] = [await seed(), await seed()]
    const first = await claim(mine, await startWorker())
    if (first.refused !== undefined) throw new Error(first.refused)
    const sibling = await seedSession(silentParts(test.db), mine)
    for (const sessionId of [sibling, other.sessionId]) {
      const result = await write(mine.tenantId, first.claimed, { sessionId })
      expect(result.refused).toMatch(/stale_epoch|not_found/)
    }
  })
})
