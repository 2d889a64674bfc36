import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { createRandom } from '../../testing/simulation/random.ts'
import { setBudget } from '../budgets/set-budget.ts'
import { checkDatabase } from '../checker/check-database.ts'
import { PlatformError } from '../errors.ts'
import { createId } from '../ids.ts'
import { appendEvents } from '../log/append-events.ts'
import { type ClaimedTurn, claimTurn } from '../turns/claim-turn.ts'
import { startLease } from '../turns/leases.ts'
import { readControl } from '../turns/read-wishes.ts'
import { cancelSession } from './cancel-session.ts'
import { deleteSession } from './delete-session.ts'
import { evaluateSession } from './evaluate-session.ts'
import { pauseSession } from './pause-session.ts'
import { resumeSession } from './resume-session.ts'
import { sendMessage } from './send-message.ts'

let test: TestDatabase
let workerId: string
beforeAll(async () => {
  test = await createTestDatabase({ maxConnections: 24 })
  workerId = createId('wrk')
  await startLease(test.db, { workerId, engineId: null, kind: 'worker', host: 'here', pid: 1, leaseMs: 3_600_000 })
})
afterAll(() => test.close())

type Seeded = Awaited<ReturnType<typeof seed>>
const seed = async (more: Parameters<typeof seedSession>[2] = {}) => {
  const parts = silentParts(test.db)
  const tenant = await seedTenant(test.db)
  return { ...tenant, parts, sessionId: await seedSession(parts, tenant, more) }
}

const look = async (sessionId: string) => {
  const { rows } = await test.superuser.query<{
    status: string
    stopReason: string | null
    turn: string | null
    turnId: string | null
    kind: string | null
    unread: number
    control: string | null
  }>(
    `select s.status, s.stop_reason as "stopReason", s.control, t.state as turn, t.id as "turnId", t.kind, (select count(*)::int from unread_message where session_id = s.id) as unread
     from session s left join turn t on t.session_id = s.id and t.state <> 'settled' where s.id = $1`,
    [sessionId],
  )
  return rows[0]!
}

const claim = async ({ tenantId, sessionId }: Seeded): Promise<ClaimedTurn | null> => {
  const { turnId } = await look(sessionId)
  if (turnId === null) return null
  const result = await claimTurn(test.db, { tenantId, turnId, workerId, engineId: null, kind: 'worker' })
  return result.refused === undefined ? result.claimed : null
}
const mustClaim = async (of: Seeded): Promise<ClaimedTurn> => {
  const claimed = await claim(of)
  if (claimed === null) throw new Error('nothing was claimed')
  return claimed
}

const idle = { type: 'session.status', actor: 'platform', payload: { status: 'IDLE', stopReason: 'END_TURN', activity: null } } as const
const paused = (stopReason: 'PAUSED_BY_USER' | 'BUDGET_REACHED') =>
  ({ type: 'session.status', actor: 'platform', payload: { status: 'PAUSED', stopReason, activity: null } }) as const
const of = ({ session, thread, epoch, tenantId }: ClaimedTurn) => ({ tenantId, sessionId: session.id, threadId: thread.id, epoch })

/** A turn as a worker would end it: reads what waits, obeys a wish, and ends the session if nothing came meanwhile. */
const work = async (claimed: ClaimedTurn): Promise<void> => {
  const { turn, unread, session, tenantId } = claimed
  const seqs = unread.map(({ seq }) => seq)
  if (seqs.length > 0)
    await appendEvents(test.db, {
      ...of(claimed),
      events: [{ type: 'user.message_read', actor: 'platform', payload: { turnId: turn.id, seqs } }],
    })
  if ((await readControl(test.db, tenantId, session.id)) === 'pause') {
    await appendEvents(test.db, {
      ...of(claimed),
      events: [paused('PAUSED_BY_USER')],
      turn: { op: 'wait', turnId: turn.id, reason: 'paused', control: null },
    })
    return
  }
  const end = { op: 'settle', turnId: turn.id, outcome: 'ended', next: null } as const
  const ended = await appendEvents(test.db, { ...of(claimed), events: [idle], turn: end, guard: { unread: 0 } })
  if (ended.refused !== 'unread') return
  await appendEvents(test.db, {
    ...of(claimed),
    events: [],
    turn: { ...end, outcome: 'continue', next: { id: createId('trn'), kind: 'work' } },
  })
}

const ignoreConflict = async (run: Promise<unknown>): Promise<void> => {
  await run.catch((error: unknown) => {
    if (!(error instanceof PlatformError) || error.code !== 'CONFLICT') throw error
  })
}

describe('people and workers at once', () => {
  it('never leave a message behind: it is read before the session ends, or takes the ended session up again', async () => {
    for (let race = 0; race < 60; race++) {
      const seeded = await seed()
      const claimed = await mustClaim(seeded)
      await appendEvents(test.db, {
        ...of(claimed),
        events: [
          {
            type: 'user.message_read',
            actor: 'platform',
            payload: { turnId: claimed.turn.id, seqs: claimed.unread.map(({ seq }) => seq) },
          },
        ],
      })
      const end = appendEvents(test.db, {
        ...of(claimed),
        events: [idle],
        turn: { op: 'settle', turnId: claimed.turn.id, outcome: 'ended', next: null },
        guard: { unread: 0 },
      })
      const [ended] = await Promise.all([
        end,
        sendMessage(seeded.parts, seeded.caller, { sessionId: seeded.sessionId, text: 'more', mode: 'QUEUE' }),
      ])
      const after = await look(seeded.sessionId)
      expect(after).toMatchObject(
        ended.refused === 'unread' ? { status: 'RUNNING', turn: 'running', unread: 1 } : { status: 'QUEUED', turn: 'due', unread: 1 },
      )
    }
  }, 60_000)

  it('leave nothing wrong behind, whatever they do to the same sessions', async () => {
    const random = createRandom(Number(process.env.RACE_SEED ?? 20_261_121))
    const sessions = await Promise.all(
      Array.from({ length: 8 }, () => seed({ conditions: [{ name: 'it works', kind: 'COMMAND', spec: { run: 'true' } }] })),
    )
    const people = [
      ({ parts, caller, sessionId }: Seeded) =>
        sendMessage(parts, caller, { sessionId, text: 'more', mode: random.pick(['QUEUE', 'STEER', 'INTERRUPT']) }),
      ({ parts, caller, sessionId }: Seeded) => sendMessage(parts, caller, { sessionId, text: 'and more', mode: 'INTERRUPT' }),
      ({ parts, caller, sessionId }: Seeded) => pauseSession(parts, caller, { sessionId }),
      ({ parts, caller, sessionId }: Seeded) => resumeSession(parts, caller, { sessionId }),
      ({ parts, caller, sessionId }: Seeded) => evaluateSession(parts, caller, { sessionId }),
      ({ parts, caller, sessionId }: Seeded) =>
        random.chance(0.03) ? cancelSession(parts, caller, { sessionId, reason: null }) : Promise.resolve(),
    ] as const
    const act = async (seeded: Seeded): Promise<void> => {
      for (let action = 0; action < 12; action++) {
        await ignoreConflict(random.pick([...people])(seeded))
      }
    }
    const workOn = async (seeded: Seeded): Promise<void> => {
      for (let turn = 0; turn < 16; turn++) {
        const claimed = await claim(seeded)
        if (claimed !== null) await work(claimed)
      }
    }
    await Promise.all(sessions.flatMap((seeded) => [act(seeded), act(seeded), workOn(seeded), workOn(seeded)]))
    // What is still open is worked off.
    for (const seeded of sessions)
      for (let claimed = await claim(seeded); claimed !== null; claimed = await claim(seeded)) await work(claimed)
    const { violations } = await checkDatabase({ databaseUrl: test.url })
    expect(violations).toEqual([])
    for (const { sessionId } of sessions) expect(['IDLE', 'PAUSED', 'CANCELED']).toContain((await look(sessionId)).status)
  }, 120_000)

  it('take sixty interrupts of one running session at once, each in the log', async () => {
    const seeded = await seed()
    await mustClaim(seeded)
    const sent = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        sendMessage(seeded.parts, seeded.caller, { sessionId: seeded.sessionId, text: `${index}`, mode: 'INTERRUPT' }),
      ),
    )
    expect(new Set(sent.map(({ seq }) => seq)).size).toBe(60)
    expect(await look(seeded.sessionId)).toMatchObject({ control: 'interrupt', unread: 61 })
  })
})

describe('what ends a session', () => {
  it('fences whoever works on it at once: canceled, or deleted', async () => {
    for (const end of [
      (seeded: Seeded) => cancelSession(seeded.parts, seeded.caller, { sessionId: seeded.sessionId, reason: 'enough' }),
      (seeded: Seeded) => deleteSession(seeded.parts, seeded.caller, { sessionId: seeded.sessionId }),
    ]) {
      const seeded = await seed()
      const claimed = await mustClaim(seeded)
      await end(seeded)
      expect((await appendEvents(test.db, { ...of(claimed), events: [idle] })).refused).toMatch(/stale_epoch|not_found/)
      expect(await claim(seeded)).toBeNull()
      expect(await look(seeded.sessionId)).toMatchObject({ turn: null })
    }
  })

  it('is final when canceled, and not found when deleted', async () => {
    const [canceled, deleted] = [await seed(), await seed()]
    await cancelSession(canceled.parts, canceled.caller, { sessionId: canceled.sessionId, reason: null })
    await cancelSession(canceled.parts, canceled.caller, { sessionId: canceled.sessionId, reason: null })
    await deleteSession(deleted.parts, deleted.caller, { sessionId: deleted.sessionId })
    for (const [seeded, code] of [
      [canceled, 'CONFLICT'],
      [deleted, 'NOT_FOUND'],
    ] as const) {
      const { parts, caller, sessionId } = seeded
      for (const run of [
        () => sendMessage(parts, caller, { sessionId, text: 'x', mode: 'QUEUE' }),
        () => pauseSession(parts, caller, { sessionId }),
        () => resumeSession(parts, caller, { sessionId }),
        () => evaluateSession(parts, caller, { sessionId }),
      ])
        await expect(run()).rejects.toMatchObject({ code })
    }
    expect(await look(canceled.sessionId)).toMatchObject({ status: 'CANCELED', stopReason: 'CANCELED_BY_USER' })
  })

  it('is done by nobody of another tenant: to him there is no such session', async () => {
    const [mine, other] = [await seed(), await seed()]
    const { parts, caller } = other
    const before = await look(mine.sessionId)
    const { sessionId } = mine
    for (const run of [
      () => sendMessage(parts, caller, { sessionId, text: 'x', mode: 'QUEUE' }),
      () => pauseSession(parts, caller, { sessionId }),
      () => resumeSession(parts, caller, { sessionId }),
      () => cancelSession(parts, caller, { sessionId, reason: null }),
      () => evaluateSession(parts, caller, { sessionId }),
      () => deleteSession(parts, caller, { sessionId }),
    ])
      await expect(run()).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await look(mine.sessionId)).toEqual(before)
  })
})

describe('asking for an evaluation', () => {
  it('makes one due in a session that has stopped and has conditions, and in no other', async () => {
    const [without, stopped] = [await seed(), await seed({ conditions: [{ name: 'it works', kind: 'COMMAND', spec: { run: 'true' } }] })]
    await expect(evaluateSession(stopped.parts, stopped.caller, { sessionId: stopped.sessionId })).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    for (const seeded of [without, stopped]) await work(await mustClaim(seeded))
    await expect(evaluateSession(without.parts, without.caller, { sessionId: without.sessionId })).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    await evaluateSession(stopped.parts, stopped.caller, { sessionId: stopped.sessionId })
    expect(await look(stopped.sessionId)).toMatchObject({ status: 'QUEUED', turn: 'due', kind: 'evaluate' })
  })
})

describe("a tenant's limit", () => {
  it('holds for the messages of a running session too, until some are read', async () => {
    const seeded = await seed()
    const { parts, caller, tenantId, sessionId } = seeded
    await test.superuser.query('update tenant set backlog_limit = 3 where id = $1', [tenantId])
    const claimed = await mustClaim(seeded)
    const say = () => sendMessage(parts, caller, { sessionId, text: 'And this.', mode: 'QUEUE' })
    const [, last] = [await say(), await say()] // with the prompt, three wait
    await expect(say()).rejects.toMatchObject({ code: 'RATE_LIMITED', extensions: { retryAfterMs: expect.any(Number) } })
    await pauseSession(parts, caller, { sessionId })
    await resumeSession(parts, caller, { sessionId })
    const payload = { turnId: claimed.turn.id, seqs: [last.seq] }
    await appendEvents(test.db, { ...of(claimed), events: [{ type: 'user.message_read', actor: 'platform', payload }] })
    await say()
  })
})

describe('raising a cap', () => {
  const stopAtBudget = async (seeded: Seeded): Promise<void> => {
    const claimed = await mustClaim(seeded)
    const reached = {
      type: 'budget.reached',
      actor: 'platform',
      payload: { budgetId: 'bgt_x', scope: `TENANT:${seeded.tenantId}`, resetsAt: null },
    } as const
    await appendEvents(test.db, {
      ...of(claimed),
      events: [reached, paused('BUDGET_REACHED')],
      turn: { op: 'wait', turnId: claimed.turn.id, reason: 'budget_reached', scope: `TENANT:${seeded.tenantId}` },
    })
  }
  const cap = (seeded: Seeded, limitNanos: bigint) =>
    setBudget(seeded.parts, {
      tenantId: seeded.tenantId,
      keyId: 'key_1',
      setBy: 'TENANT',
      scope: 'TENANT',
      scopeId: seeded.tenantId,
      period: 'LIFETIME',
      limitNanos,
      alertPercents: null,
    })

  it('takes up the sessions that stopped at it, wakes them, and says so in their logs', async () => {
    const [stopped, bystander] = [await seed(), await seed()]
    await cap(stopped, 5n)
    for (const seeded of [stopped, bystander]) await stopAtBudget(seeded)
    stopped.parts.wakes.length = 0
    const { budgetId } = await cap(stopped, 500n)
    expect(await look(stopped.sessionId)).toMatchObject({ status: 'QUEUED', turn: 'due' })
    expect(stopped.parts.wakes).toHaveLength(1)
    expect(await look(bystander.sessionId)).toMatchObject({ status: 'PAUSED', turn: 'waiting' })
    const { rows } = await test.superuser.query("select payload from event where session_id = $1 and type = 'budget.raised'", [
      stopped.sessionId,
    ])
    expect(rows).toEqual([{ payload: expect.objectContaining({ budgetId, limitNanos: '500' }) }])
  })

  it('takes up no session that a person has paused', async () => {
    const seeded = await seed()
    await pauseSession(seeded.parts, seeded.caller, { sessionId: seeded.sessionId })
    await cap(seeded, 500n)
    expect(await look(seeded.sessionId)).toMatchObject({ status: 'PAUSED', stopReason: 'PAUSED_BY_USER', turn: 'waiting' })
  })
})
