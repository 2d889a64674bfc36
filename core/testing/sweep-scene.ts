import { reserveCall } from '../src/budgets/reserve-call.ts'
import { createId } from '../src/ids.ts'
import { type ClaimedTurn, type ClaimRefusal, claimTurn, type WorkerKind } from '../src/turns/claim-turn.ts'
import { startLease } from '../src/turns/leases.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { seedSession, seedTenant, silentParts } from './seeds.ts'

export type SeenTurn = {
  id: string
  state: string
  wake_no: number
  woken_at: Date | null
  suspect: boolean
  alone: boolean
  crashes: number
  wait_reason: string | null
  due_at: Date
}
type Of = { tenantId: string; sessionId: string }

/** A database with sessions at work, workers that live and die, and what a sweep sees of them. Empty before each test once `clear` was called. */
export type SweepScene = {
  test: TestDatabase
  clear(): Promise<void>
  seed(options?: Parameters<typeof seedTenant>[1]): Promise<Awaited<ReturnType<typeof seedTenant>> & { sessionId: string }>
  /** By a worker of its own. */
  claim(of: Of, kind?: WorkerKind): Promise<ClaimedTurn | { refused: ClaimRefusal; sessionId?: string | undefined }>
  mustClaim(of: Of, kind?: WorkerKind): Promise<ClaimedTurn>
  kill(workerId: string): Promise<unknown>
  hold(claimed: ClaimedTurn, nanos: bigint): ReturnType<typeof reserveCall>
  /** Its wake was sent so much longer ago. */
  age(seconds: number, sessionId: string): Promise<unknown>
  turnOf(sessionId: string): Promise<SeenTurn>
}

export const createSweepScene = async (): Promise<SweepScene> => {
  const test = await createTestDatabase({ maxConnections: 24 })

  const turnOf = async (sessionId: string): Promise<SeenTurn> => {
    const { rows } = await test.superuser.query<SeenTurn>(
      "select id, state, wake_no, woken_at, suspect, alone, crashes, wait_reason, due_at from turn where session_id = $1 and state <> 'settled'",
      [sessionId],
    )
    return rows[0] as SeenTurn
  }
  const claim = async ({ tenantId, sessionId }: Of, kind: WorkerKind = 'worker') => {
    const workerId = createId('wrk')
    await startLease(test.db, { workerId, engineId: null, kind, host: 'here', pid: 1, leaseMs: 600_000 })
    const result = await claimTurn(test.db, { tenantId, turnId: (await turnOf(sessionId)).id, workerId, engineId: null, kind })
    return result.refused === undefined ? result.claimed : result
  }
  return {
    test,
    turnOf,
    claim,
    clear: async () => {
      await test.superuser.query('truncate tenant, lease cascade')
    },
    seed: async (options = {}) => {
      const tenant = await seedTenant(test.db, options)
      return { ...tenant, sessionId: await seedSession(silentParts(test.db), tenant) }
    },
    mustClaim: async (...args) => {
      const claimed = await claim(...args)
      if ('refused' in claimed) throw new Error(claimed.refused)
      return claimed
    },
    kill: (workerId) => test.superuser.query('update lease set expires_at = clock_timestamp() where worker_id = $1', [workerId]),
    hold: ({ tenantId, workerId, epoch, session, thread, turn }, nanos) => {
      const of = { tenantId, workerId, epoch, sessionId: session.id, threadId: thread.id, turnId: turn.id, agentId: session.agentId }
      const amounts = { fixedNanos: nanos, perTokenNanos: 0n, maxTokens: 10, minTokens: 1 }
      return reserveCall(test.db, { ...of, id: createId('rsv'), kind: 'work', model: 'm', ...amounts })
    },
    age: (seconds, sessionId) =>
      test.superuser.query(`update turn set woken_at = woken_at - $1 * interval '1 second' where session_id = $2`, [seconds, sessionId]),
  }
}
