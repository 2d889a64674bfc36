import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { takeCheckpoint } from '../../testing/take-checkpoint.ts'
import { checkMoney } from '../checker/check-money.ts'
import { checkRows } from '../checker/check-rows.ts'
import type { Scope } from '../checker/report.ts'
import type { NewEvent } from '../events/event.ts'
import { forkSession } from '../forks/fork-session.ts'
import { createId } from '../ids.ts'
import { appendEvents, type Settlement } from '../log/append-events.ts'
import { claimTurn } from '../turns/claim-turn.ts'
import { startLease } from '../turns/leases.ts'
import { NO_USAGE } from './prices.ts'
import { type ReserveResult, reserveCall, settleCall } from './reserve-call.ts'

let test: TestDatabase
let workerId: string
beforeAll(async () => {
  test = await createTestDatabase({ maxConnections: 24 })
  workerId = createId('wrk')
  await startLease(test.db, { workerId, engineId: null, kind: 'worker', host: 'here', pid: 1, leaseMs: 3_600_000 })
})
afterAll(() => test.close())

type Holder = { tenantId: string; agentId: string; sessionId: string; threadId: string; turnId: string; epoch: number }

type Tenant = Awaited<ReturnType<typeof seedTenant>>

const claim = async ({ tenantId, agentId }: Tenant, sessionId: string): Promise<Holder> => {
  const { rows } = await test.superuser.query<{ id: string }>('select id from turn where session_id = $1', [sessionId])
  const turnId = rows[0]!.id
  const result = await claimTurn(test.db, { tenantId, turnId, workerId, engineId: null, kind: 'worker' })
  if (result.refused !== undefined) throw new Error(result.refused)
  return { tenantId, agentId, sessionId, threadId: result.claimed.thread.id, turnId, epoch: result.claimed.epoch }
}

/** Sessions of one tenant, each with its turn claimed. */
const seed = async (sessions: number) => {
  const tenant = await seedTenant(test.db, { maxConcurrentSessions: 1_000 })
  const holders: Holder[] = []
  for (let index = 0; index < sessions; index++) holders.push(await claim(tenant, await seedSession(silentParts(test.db), tenant)))
  return { ...tenant, holders, first: holders[0]! }
}

/** A session and twenty forks of it, under these caps, each with its turn claimed. */
const seedForks = async (caps: (tenant: Tenant, sessionId: string) => Cap[]) => {
  const parts = silentParts(test.db)
  const tenant = await seedTenant(test.db, { maxConcurrentSessions: 1_000 })
  const { tenantId, caller } = tenant
  const parentId = await seedSession(parts, tenant)
  for (const one of caps(tenant, parentId)) await cap(tenantId, one)
  const { id: checkpointId } = await takeCheckpoint(test.db, { tenantId, sessionId: parentId })
  const forks = Array.from({ length: 20 }, () => ({ title: null, prompt: null, agentId: null, budgetNanos: null }))
  const { sessionIds } = await forkSession(parts, caller, { checkpointId, forks })
  const holders: Holder[] = []
  for (const sessionId of [parentId, ...sessionIds]) holders.push(await claim(tenant, sessionId))
  return { ...tenant, holders }
}

type Cap = {
  scope: 'TENANT' | 'AGENT' | 'SESSION'
  scopeId: string
  period?: 'DAY' | 'MONTH' | 'LIFETIME'
  setBy?: 'OPERATOR' | 'TENANT'
  nanos: bigint
}
const cap = (tenantId: string, { scope, scopeId, period = 'LIFETIME', setBy = 'TENANT', nanos }: Cap) =>
  test.superuser.query(
    "insert into budget (id, tenant_id, scope, scope_id, period, set_by, limit_nanos, changed_at) values ($1, $2, $3, $4, $5, $6, $7, now() - interval '1 hour')",
    [createId('bgt'), tenantId, scope, scopeId, period, setBy, nanos],
  )

const hold = (
  of: Holder,
  nanos: bigint,
  more: { perTokenNanos?: bigint; maxTokens?: number; minTokens?: number; unpriced?: boolean; events?: NewEvent[] } = {},
): Promise<ReserveResult> =>
  reserveCall(test.db, {
    ...of,
    workerId,
    id: createId('rsv'),
    kind: 'work',
    model: 'm',
    fixedNanos: nanos,
    perTokenNanos: 0n,
    maxTokens: 10,
    minTokens: 1,
    ...more,
  })
const held = async (...args: Parameters<typeof hold>): Promise<{ id: string; maxTokens: number; amountNanos: bigint }> => {
  const result = await hold(...args)
  if (!('granted' in result) || !result.granted) throw new Error(`nothing was granted: ${JSON.stringify(result)}`)
  return result.reservation
}
const settle = (tenantId: string, reservationId: string, costNanos: bigint, basis: Settlement['basis'] = 'exact') =>
  settleCall(test.db, tenantId, { reservationId, costNanos, usage: NO_USAGE, basis })

const spend = async (scope: string, scopeId: string) => {
  const { rows } = await test.superuser.query<Record<string, string>>(
    'select total_spent, total_reserved, day_spent, day_reserved, month_spent, month_reserved from spend where scope = $1 and scope_id = $2',
    [scope, scopeId],
  )
  return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([name, value]) => [name, BigInt(value)])) as Record<string, bigint>
}

/** What the checker says of the tenant's money. */
const findFaults = async (tenantId: string): Promise<string[]> => {
  const client = await test.db.app.connect()
  const violations: Scope['violations'] = []
  const scope = { client, tenantId, violations, unchecked: [], graceMs: 3_600_000, settled: false }
  try {
    await client.query('begin')
    await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
    await checkMoney(scope)
    await checkRows(scope)
  } finally {
    await client.query('rollback')
    client.release()
  }
  return violations.filter(({ rule }) => rule === 'R5').map(({ at, what }) => `${at}: ${what}`)
}

describe('reserving', () => {
  it('lets one of two hundred parallel calls have the last cent, under either cap', async () => {
    const { tenantId, agentId, holders } = await seed(40)
    await cap(tenantId, { scope: 'TENANT', scopeId: tenantId, setBy: 'OPERATOR', nanos: 10_000_000n })
    await cap(tenantId, { scope: 'TENANT', scopeId: tenantId, setBy: 'TENANT', nanos: 90_000_000n })
    await cap(tenantId, { scope: 'AGENT', scopeId: agentId, period: 'MONTH', nanos: 50_000_000n })
    const results = await Promise.all(Array.from({ length: 200 }, (_, index) => hold(holders[index % holders.length]!, 6_000_000n)))
    expect(results.filter((result) => 'granted' in result && result.granted)).toHaveLength(1)
    expect(results.filter((result) => 'by' in result && result.by === 'held')).toHaveLength(199)
    expect(await spend('TENANT', tenantId)).toMatchObject({ total_reserved: 6_000_000n, total_spent: 0n })
    expect(await findFaults(tenantId)).toEqual([])
  }, 60_000)

  it.each([
    ['tenant’s, set by the operator', { scope: 'TENANT', setBy: 'OPERATOR', period: 'LIFETIME' }],
    ['tenant’s own, a month', { scope: 'TENANT', setBy: 'TENANT', period: 'MONTH' }],
    ['agent’s, set by the operator, a day', { scope: 'AGENT', setBy: 'OPERATOR', period: 'DAY' }],
    ['agent’s', { scope: 'AGENT', setBy: 'TENANT', period: 'LIFETIME' }],
  ] as const)(
    'lets a session and its forks, all at work at once, pass no cap above them: the %s',
    async (_, above) => {
      const { tenantId, agentId, holders } = await seedForks((tenant, sessionId) => [
        { ...above, scopeId: above.scope === 'AGENT' ? tenant.agentId : tenant.tenantId, nanos: 100n },
        { scope: 'SESSION', scopeId: sessionId, nanos: 30n },
        { scope: 'SESSION', scopeId: sessionId, setBy: 'OPERATOR', period: 'DAY', nanos: 21n },
      ])
      const admitted = new Map(holders.map(({ sessionId }) => [sessionId, 0n]))
      const spendAtOnce = () =>
        Promise.all(
          Array.from({ length: 200 }, async (_, index) => {
            const holder = holders[index % holders.length]!
            const result = await hold(holder, 7n)
            if (!('granted' in result) || !result.granted) return
            admitted.set(holder.sessionId, admitted.get(holder.sessionId)! + 7n)
            await settle(tenantId, result.reservation.id, 7n)
          }),
        )
      for (let round = 0; round < 2; round++) await spendAtOnce()
      const total = [...admitted.values()].reduce((sum, nanos) => sum + nanos, 0n)
      expect(total).toBe(98n) // the last call that fits has fitted, and no other
      for (const nanos of admitted.values()) expect(nanos).toBeLessThanOrEqual(21n)
      expect(await spend('AGENT', agentId)).toMatchObject({ total_spent: total, total_reserved: 0n })
      expect(await findFaults(tenantId)).toEqual([])
    },
    60_000,
  )

  it('lets no call under a cap whose model has no price: what it costs could not be held', async () => {
    const { tenantId, first } = await seed(1)
    expect(await hold(first, 0n, { unpriced: true })).toMatchObject({ granted: true })
    await cap(tenantId, { scope: 'TENANT', scopeId: tenantId, setBy: 'OPERATOR', nanos: 1_000_000n })
    expect(await hold(first, 0n, { unpriced: true })).toMatchObject({ granted: false, by: 'spent' })
  })

  it('counts a call in the day that its scopes are in, also where its own clock is still in the day before', async () => {
    const { tenantId, first } = await seed(1)
    await cap(tenantId, { scope: 'TENANT', scopeId: tenantId, period: 'DAY', nanos: 10n })
    // Another connection was past midnight already.
    await test.superuser.query(
      `insert into spend (scope, scope_id, tenant_id, day, month, day_spent, month_spent, total_spent)
       values ('TENANT', $1, $1, (now() at time zone 'UTC')::date + 40, date_trunc('month', (now() at time zone 'UTC')::date + 40), 7, 7, 7)`,
      [tenantId],
    )
    expect(await hold(first, 4n)).toMatchObject({ granted: false, by: 'spent' })
    const { id } = await held(first, 3n)
    expect(await spend('TENANT', tenantId)).toMatchObject({ day_spent: 7n, day_reserved: 3n, total_reserved: 3n })
    await settle(tenantId, id, 2n)
    expect(await spend('TENANT', tenantId)).toMatchObject({ day_spent: 9n, day_reserved: 0n, total_spent: 9n })
  })

  it('never passes a cap at any concurrency, whatever calls cost, and keeps the sums of what it charged', async () => {
    const operation = fc.record({
      holder: fc.nat({ max: 3 }),
      fixed: fc.bigInt(0n, 400n),
      perToken: fc.bigInt(0n, 5n),
      cost: fc.nat({ max: 100 }),
      basis: fc.constantFrom('exact', 'estimated', 'presumed', 'corrected', 'left'),
    })
    const caps = fc.record({
      operator: fc.bigInt(0n, 3_000n),
      tenant: fc.bigInt(0n, 3_000n),
      session: fc.bigInt(0n, 1_000n),
      day: fc.bigInt(0n, 3_000n),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 24 }), caps, async (operations, limits) => {
        const { tenantId, agentId, holders, first } = await seed(4)
        await cap(tenantId, { scope: 'TENANT', scopeId: tenantId, setBy: 'OPERATOR', nanos: limits.operator })
        await cap(tenantId, { scope: 'TENANT', scopeId: tenantId, setBy: 'TENANT', nanos: limits.tenant })
        await cap(tenantId, { scope: 'SESSION', scopeId: first.sessionId, nanos: limits.session })
        await cap(tenantId, { scope: 'AGENT', scopeId: agentId, period: 'DAY', nanos: limits.day })
        const outcomes = await Promise.all(
          operations.map(async ({ holder, fixed, perToken, cost, basis }) => {
            const result = await hold(holders[holder]!, fixed, { perTokenNanos: perToken })
            if (!('granted' in result) || !result.granted) return { spent: 0n, held: 0n }
            const { id, amountNanos, maxTokens } = result.reservation
            expect(amountNanos).toBe(fixed + perToken * BigInt(maxTokens))
            const paid = (amountNanos * BigInt(cost)) / 100n
            if (basis === 'left') return { spent: 0n, held: amountNanos }
            if (basis === 'corrected') await settle(tenantId, id, 0n, 'presumed')
            await settle(tenantId, id, paid, basis === 'corrected' ? 'exact' : basis)
            return { spent: basis === 'presumed' ? amountNanos : paid, held: 0n }
          }),
        )
        const sum = (which: 'spent' | 'held') => outcomes.reduce((total, outcome) => total + outcome[which], 0n)
        const kept = await spend('TENANT', tenantId)
        expect([kept['total_spent'] ?? 0n, kept['total_reserved'] ?? 0n]).toEqual([sum('spent'), sum('held')])
        for (const limit of [limits.operator, limits.tenant, limits.day]) expect(sum('spent') + sum('held')).toBeLessThanOrEqual(limit)
        expect(await findFaults(tenantId)).toEqual([])
      }),
      { numRuns: 40 },
    )
  }, 120_000)

  it('shrinks the output to what fits, not below the least, and says what stands in the way', async () => {
    const { tenantId, first } = await seed(1)
    await cap(tenantId, { scope: 'SESSION', scopeId: first.sessionId, nanos: 1_000n })
    const call = { perTokenNanos: 10n, maxTokens: 100, minTokens: 20 }
    expect(await held(first, 300n, call)).toMatchObject({ maxTokens: 70, amountNanos: 1_000n })
    expect(await hold(first, 300n, call)).toMatchObject({ granted: false, by: 'held', scope: `SESSION:${first.sessionId}`, resetsAt: null })
    const other = await seed(1)
    await cap(other.tenantId, { scope: 'TENANT', scopeId: other.tenantId, period: 'DAY', nanos: 499n })
    const refused = await hold(other.first, 300n, call)
    expect(refused).toMatchObject({ granted: false, by: 'spent', scope: `TENANT:${other.tenantId}` })
    expect('resetsAt' in refused && refused.resetsAt).toMatch(/T00:00:00/)
  })

  it("is for the claim's holder: an old epoch, or another worker, holds nothing", async () => {
    const { first } = await seed(1)
    expect(await hold({ ...first, epoch: 0 }, 1n)).toEqual({ refused: 'stale_epoch' })
    expect(
      await reserveCall(test.db, {
        ...first,
        workerId: 'wrk_other',
        id: createId('rsv'),
        kind: 'work',
        model: 'm',
        fixedNanos: 1n,
        perTokenNanos: 0n,
        maxTokens: 1,
        minTokens: 1,
      }),
    ).toEqual({ refused: 'stale_epoch' })
  })

  it('writes events with it, also where a budget refuses, and none under an old epoch', async () => {
    const { first, tenantId } = await seed(1)
    const events: NewEvent[] = [{ type: 'user.message_read', actor: 'platform', payload: { turnId: first.turnId, seqs: [3] } }]
    const logged = async () =>
      (
        await test.superuser.query<{ seq: number }>(
          "select seq from event where session_id = $1 and type = 'user.message_read' order by seq",
          [first.sessionId],
        )
      ).rows
    const granted = await hold(first, 10n, { events })
    expect(granted).toMatchObject({ granted: true, appended: { first: 5, head: 5 } })
    expect(await logged()).toEqual([{ seq: 5 }])
    await cap(tenantId, { scope: 'TENANT', scopeId: tenantId, nanos: 5n })
    expect(await hold(first, 10n, { events })).toMatchObject({ granted: false, appended: { first: 6, head: 6 } })
    expect(await hold({ ...first, epoch: first.epoch - 1 }, 1n, { events })).toEqual({ refused: 'stale_epoch' })
    expect(await logged()).toEqual([{ seq: 5 }, { seq: 6 }])
  })

  it('refuses amounts below nothing, and none that are no numbers reach it', async () => {
    const { first, tenantId } = await seed(1)
    await expect(hold(first, -1n)).rejects.toThrow()
    await expect(hold(first, 100n, { perTokenNanos: -20n })).rejects.toThrow()
    await expect(hold(first, 1n, { maxTokens: Number.NaN })).rejects.toThrow()
    expect((await spend('TENANT', tenantId))['total_reserved'] ?? 0n).toBe(0n)
  })
})

describe('settling', () => {
  it('happens once, at what the call cost', async () => {
    const { first, tenantId } = await seed(1)
    const { id } = await held(first, 100n)
    const results = await Promise.all(Array.from({ length: 8 }, () => settle(tenantId, id, 60n)))
    expect(results.filter(({ settled }) => settled)).toHaveLength(1)
    expect((await settle(tenantId, id, 0n, 'presumed')).settled).toBe(false)
    expect(await spend('SESSION', first.sessionId)).toMatchObject({
      total_spent: 60n,
      total_reserved: 0n,
      day_spent: 60n,
      month_spent: 60n,
    })
  })

  it('needs no claim: the true figure of a late holder corrects a presumed one, once', async () => {
    const { first, tenantId } = await seed(1)
    const { id } = await held(first, 100n)
    expect((await settle(tenantId, id, 0n, 'presumed')).settled).toBe(true)
    expect(await spend('AGENT', first.agentId)).toMatchObject({ total_spent: 100n, total_reserved: 0n })
    expect((await settle(tenantId, id, 30n)).settled).toBe(true)
    expect((await settle(tenantId, id, 40n)).settled).toBe(false)
    expect(await spend('AGENT', first.agentId)).toMatchObject({ total_spent: 30n, total_reserved: 0n })
    expect(await findFaults(tenantId)).toEqual([])
  })

  it('charges in full what cost more than was held, and the checker says so', async () => {
    const { first, tenantId } = await seed(1)
    const { id } = await held(first, 100n)
    await settle(tenantId, id, 140n)
    expect(await spend('TENANT', tenantId)).toMatchObject({ total_spent: 140n, total_reserved: 0n })
    expect(await findFaults(tenantId)).toEqual([expect.stringContaining('more than what was held')])
  })

  it('settles nothing of another tenant', async () => {
    const [mine, other] = [await seed(1), await seedTenant(test.db)]
    const { id } = await held(mine.first, 100n)
    expect((await settle(other.tenantId, id, 0n)).settled).toBe(false)
    expect(await spend('TENANT', mine.tenantId)).toMatchObject({ total_reserved: 100n })
  })

  it('belongs to the day on which the money was held: a new day begins with nothing spent and nothing held', async () => {
    const { first, tenantId } = await seed(1)
    await cap(tenantId, { scope: 'TENANT', scopeId: tenantId, period: 'DAY', nanos: 100n })
    await cap(tenantId, { scope: 'TENANT', scopeId: tenantId, nanos: 1_000n })
    const [spent, left] = [await held(first, 50n), await held(first, 50n)]
    await settle(tenantId, spent.id, 50n)
    expect(await hold(first, 10n)).toMatchObject({ granted: false })
    // Yesterday, as far as the rows know: a month ago, so that the month began anew as well.
    await test.superuser.query("update spend set day = day - 40, month = date_trunc('month', day - 40)::date where tenant_id = $1", [
      tenantId,
    ])
    await test.superuser.query("update reservation set created_at = created_at - interval '40 days' where tenant_id = $1", [tenantId])
    const today = await held(first, 100n)
    expect(await spend('TENANT', tenantId)).toEqual({
      total_spent: 50n,
      total_reserved: 150n,
      day_spent: 0n,
      day_reserved: 100n,
      month_spent: 0n,
      month_reserved: 100n,
    })
    await settle(tenantId, left.id, 40n)
    await settle(tenantId, today.id, 80n)
    expect(await spend('TENANT', tenantId)).toEqual({
      total_spent: 170n,
      total_reserved: 0n,
      day_spent: 80n,
      day_reserved: 0n,
      month_spent: 80n,
      month_reserved: 0n,
    })
  })

  it('wakes those who waited for the money it frees', async () => {
    const { tenantId, holders } = await seed(2)
    const [holder, waiter] = [holders[0]!, holders[1]!]
    await cap(tenantId, { scope: 'TENANT', scopeId: tenantId, nanos: 100n })
    const { id } = await held(holder, 80n)
    const refusal = await hold(waiter, 80n)
    await appendEvents(test.db, {
      ...waiter,
      events: [],
      turn: { op: 'wait', turnId: waiter.turnId, reason: 'budget', scope: 'scope' in refusal ? refusal.scope : '' },
    })
    expect(await settle(tenantId, id, 5n)).toMatchObject({ settled: true, wakes: [{ turnId: waiter.turnId }] })
  })
})

describe('the alerts of a budget', () => {
  it('stand in the log of the session whose charge crossed them, once each, however the charge was made', async () => {
    const { first, tenantId } = await seed(1)
    await cap(tenantId, { scope: 'TENANT', scopeId: tenantId, nanos: 1_000n })
    const alerts = async () => {
      const { rows } = await test.superuser.query<{ percent: number }>(
        "select (payload->>'percent')::int as percent from event where session_id = $1 and type = 'budget.alert' order by seq",
        [first.sessionId],
      )
      return rows.map(({ percent }) => percent)
    }
    const [alone, appended, small] = [await held(first, 850n), await held(first, 100n), await held(first, 50n)]
    await settle(tenantId, alone.id, 850n)
    expect(await alerts()).toEqual([80])
    await settle(tenantId, small.id, 50n, 'presumed')
    expect(await alerts()).toEqual([80])
    await appendEvents(test.db, {
      ...first,
      events: [],
      settle: { reservationId: appended.id, costNanos: 100n, usage: NO_USAGE, basis: 'exact' },
    })
    expect(await alerts()).toEqual([80, 100])
  })
})
