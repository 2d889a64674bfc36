import type { NewEvent } from '@longhaul/core/src/events/event.ts'
import { type Append, appendEvents } from '@longhaul/core/src/log/append-events.ts'
import { claimTurn } from '@longhaul/core/src/turns/claim-turn.ts'
import { startLease } from '@longhaul/core/src/turns/leases.ts'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'

export type ClaimedSession = Pick<Append, 'tenantId' | 'sessionId' | 'threadId'> & { epoch: number }

/** Sessions whose turns this process holds, as a worker would: it may append under their epochs. */
export const claimSessions = async (test: TestDatabase, count: number): Promise<ClaimedSession[]> => {
  const tenant = await seedTenant(test.db, { maxConcurrentSessions: count })
  const parts = silentParts(test.db)
  const workerId = `wrk_${tenant.tenantId}`
  await startLease(test.db, { workerId, engineId: null, kind: 'worker', host: 'bench', pid: process.pid, leaseMs: 3_600_000 })
  const sessions: ClaimedSession[] = []
  for (let made = 0; made < count; made++) {
    const sessionId = await seedSession(parts, tenant)
    const { rows } = await test.superuser.query<{ id: string }>('select id from turn where session_id = $1', [sessionId])
    const claim = await claimTurn(test.db, {
      tenantId: tenant.tenantId,
      turnId: rows[0]?.id ?? '',
      workerId,
      engineId: null,
      kind: 'worker',
    })
    if (claim.refused !== undefined) throw new Error(`session ${sessionId} could not be claimed: ${claim.refused}`)
    sessions.push({ tenantId: tenant.tenantId, sessionId, threadId: claim.claimed.thread.id, epoch: claim.claimed.epoch })
  }
  return sessions
}

/** An event of an everyday kind whose payload is about 300 bytes of JSON. */
export const everydayEvent: NewEvent = {
  type: 'agent.tool_result',
  actor: 'agent',
  payload: {
    turnId: 'trn_benchmark',
    callId: 'toolu_benchmark',
    callSeq: 1,
    outcome: 'done',
    output: 'A line of output, as a tool would give it. '.repeat(3),
    isError: false,
    exitCode: 0,
    durationMs: 12,
    truncated: false,
    outputFile: null,
  },
}

/** One event through core, which must not be refused. */
export const appendOne = async (test: Pick<TestDatabase, 'db'>, session: ClaimedSession): Promise<{ seq: number }> => {
  const result = await appendEvents(test.db, { ...session, events: [everydayEvent] })
  if (result.refused !== undefined) throw new Error(`an append was refused: ${result.refused}`)
  return { seq: result.head }
}
