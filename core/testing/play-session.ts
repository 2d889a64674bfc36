import type { Database } from '@longhaul/prisma/src/client.ts'
import { costNanos, type TokenUsage } from '../src/budgets/prices.ts'
import { reserveCall } from '../src/budgets/reserve-call.ts'
import type { ContentBlock } from '../src/events/content.ts'
import type { NewEvent } from '../src/events/event.ts'
import { createId } from '../src/ids.ts'
import { type Append, appendEvents } from '../src/log/append-events.ts'
import { claimTurn } from '../src/turns/claim-turn.ts'
import { startLease } from '../src/turns/leases.ts'
import { seedSession, seedTenant, silentParts } from './seeds.ts'

export type Played = {
  tenantId: string
  agentId: string
  sessionId: string
  threadId: string
  head: number
  reservationIds: string[]
  costs: bigint[]
  /** The one tool call, as it stands in the log. */
  call: { call: Record<string, unknown>; result: Record<string, unknown> }
}

const USAGE: TokenUsage = { inputTokens: 100, outputTokens: 20, cacheReadTokens: 7, cacheWrite5mTokens: 5, cacheWrite1hTokens: 0 }
const MODEL = 'claude-sonnet-5-5'

/**
 * A session as a worker leaves it, written through the core's own functions: a message read, an answer with a tool call and its
 * result, a second answer, one verdict, IDLE. `leaveRunning` stops after the first call's money is held.
 */
export const playSession = async (db: Database, { leaveRunning = false } = {}): Promise<Played> => {
  const tenant = await seedTenant(db)
  const condition = { name: 'it works', kind: 'COMMAND' as const, spec: { run: 'true' } }
  const sessionId = await seedSession(silentParts(db), tenant, { conditions: [condition] })
  const workerId = createId('wrk')
  await startLease(db, { workerId, engineId: null, kind: 'worker', host: 'here', pid: 1, leaseMs: 60_000 })
  const player = createPlayer(db, { ...tenant, sessionId, workerId })
  const { claimed, turnId, threadId } = await player.claim()
  const read: NewEvent = { type: 'user.message_read', actor: 'platform', payload: { turnId, seqs: claimed.unread.map(({ seq }) => seq) } }
  await player.append([read])
  await player.reserve()
  const played = {
    tenantId: tenant.tenantId,
    agentId: tenant.agentId,
    sessionId,
    threadId,
    reservationIds: player.reservationIds,
    costs: player.costs,
  }
  const call = {
    turnId,
    callId: 'toolu_1',
    name: 'bash',
    input: { command: 'echo hello' },
    permission: 'ALWAYS_ALLOW' as const,
    summary: 'echo',
  }
  const rest = { isError: false, exitCode: 0, durationMs: 3, truncated: false, outputFile: null }
  const result = { turnId, callId: 'toolu_1', callSeq: 0, outcome: 'done' as const, output: 'hello', ...rest }
  if (leaveRunning) return { ...played, head: claimed.session.head, call: { call, result } }

  await player.answer([{ type: 'tool_use', id: 'toolu_1', name: 'bash', input: call.input }], 'tool_use')
  result.callSeq = await player.append([{ type: 'agent.tool_call', actor: 'agent', payload: call }])
  await player.append([{ type: 'agent.tool_result', actor: 'agent', payload: result }])
  await player.append([], { op: 'settle', turnId, outcome: 'continue', next: { id: createId('trn'), kind: 'work' } })

  const second = await player.claim()
  await player.reserve()
  await player.answer([{ type: 'text', text: 'It works.' }], 'end_turn')
  const head = await player.append(
    [
      await player.verdict(),
      { type: 'session.status', actor: 'platform', payload: { status: 'IDLE', stopReason: 'END_TURN', activity: null } },
    ],
    { op: 'settle', turnId: second.turnId, outcome: 'ended', next: null },
  )
  return { ...played, head, call: { call, result } }
}

/**
 * Goes on with a played session by one turn, that a message made due: reads it, answers with one call and its result, IDLE. With
 * `leaveOpen` it is paused before the call begins.
 */
export const playOn = async (
  db: Database,
  {
    tenantId,
    sessionId,
    agentId,
    say,
    callId,
    leaveOpen = false,
  }: { tenantId: string; sessionId: string; agentId: string; say: string; callId: string; leaveOpen?: boolean },
): Promise<number> => {
  const workerId = createId('wrk')
  await startLease(db, { workerId, engineId: null, kind: 'worker', host: 'here', pid: 1, leaseMs: 60_000 })
  const player = createPlayer(db, { tenantId, agentId, sessionId, workerId })
  const { claimed, turnId } = await player.claim()
  await player.append([{ type: 'user.message_read', actor: 'platform', payload: { turnId, seqs: claimed.unread.map(({ seq }) => seq) } }])
  await player.reserve()
  const input = { command: say }
  await player.answer(
    [
      { type: 'text', text: say },
      { type: 'tool_use', id: callId, name: 'bash', input },
    ],
    'tool_use',
  )
  if (leaveOpen)
    return player.append(
      [{ type: 'session.status', actor: 'platform', payload: { status: 'PAUSED', stopReason: 'PAUSED_BY_USER', activity: null } }],
      {
        op: 'wait',
        turnId,
        reason: 'paused',
      },
    )
  const callSeq = await player.append([
    { type: 'agent.tool_call', actor: 'agent', payload: { turnId, callId, name: 'bash', input, permission: 'ALWAYS_ALLOW', summary: say } },
  ])
  const result = { isError: false, exitCode: 0, durationMs: 3, truncated: false, outputFile: null, outcome: 'done' as const, output: say }
  await player.append([{ type: 'agent.tool_result', actor: 'agent', payload: { turnId, callId, callSeq, ...result } }])
  return player.append(
    [{ type: 'session.status', actor: 'platform', payload: { status: 'IDLE', stopReason: 'END_TURN', activity: null } }],
    {
      op: 'settle',
      turnId,
      outcome: 'ended',
      next: null,
    },
  )
}

const createPlayer = (db: Database, of: { tenantId: string; agentId: string; sessionId: string; workerId: string }) => {
  const { tenantId, sessionId, workerId } = of
  const now = { epoch: 0, turnId: '', threadId: '' }
  const reservationIds: string[] = []
  const costs: bigint[] = []

  const append = async (events: NewEvent[], turn?: Append['turn'], settle?: Append['settle']): Promise<number> => {
    const result = await appendEvents(db, {
      tenantId,
      sessionId,
      threadId: now.threadId,
      epoch: now.epoch,
      events,
      ...(turn && { turn }),
      ...(settle && { settle }),
    })
    if (result.refused !== undefined) throw new Error(`the append was refused: ${result.refused}`)
    return result.head
  }

  return {
    reservationIds,
    costs,
    append,
    claim: async () => {
      const { rows } = await asTenant(db, tenantId, "select id from turn where session_id = $1 and state = 'due'", [sessionId])
      const claim = await claimTurn(db, { tenantId, turnId: String(rows[0]?.['id']), workerId, engineId: null, kind: 'worker' })
      if (claim.refused !== undefined) throw new Error(`the claim was refused: ${claim.refused}`)
      Object.assign(now, { epoch: claim.claimed.epoch, turnId: claim.claimed.turn.id, threadId: claim.claimed.thread.id })
      return { claimed: claim.claimed, ...now }
    },
    reserve: async () => {
      const id = createId('rsv')
      const amounts = { fixedNanos: 1_000_000n, perTokenNanos: 10_000n, maxTokens: 100, minTokens: 10 }
      const reserved = await reserveCall(db, { ...of, ...now, ...amounts, id, kind: 'work', model: MODEL })
      if (!('granted' in reserved) || !reserved.granted) throw new Error('nothing was granted')
      reservationIds.push(id)
    },
    answer: async (content: ContentBlock[], stopReason: string) => {
      const reservationId = reservationIds.at(-1) ?? ''
      const cost = costNanos(MODEL, USAGE, new Date())
      const payload = {
        turnId: now.turnId,
        model: MODEL,
        content,
        stopReason,
        usage: USAGE,
        basis: 'exact' as const,
        reservationId,
        promptHash: 'h',
        brokenCalls: [],
      }
      await append([{ type: 'agent.message', actor: 'agent', payload, costNanos: cost }], undefined, {
        reservationId,
        costNanos: cost,
        usage: USAGE,
        basis: 'exact',
        requestId: `req_${costs.length}`,
      })
      costs.push(cost)
    },
    verdict: async (): Promise<NewEvent> => {
      const { rows } = await asTenant(db, tenantId, 'select id from condition where session_id = $1', [sessionId])
      const verdict = { verdict: 'SATISFIED' as const, explanation: 'exit 0', evidence: {}, workspaceDigest: 'd', isolated: true }
      const payload = {
        turnId: now.turnId,
        evaluationId: createId('evl'),
        conditionId: String(rows[0]?.['id']),
        name: 'it works',
        round: 1,
        ...verdict,
      }
      return { type: 'condition.evaluated', actor: 'platform', payload }
    },
  }
}

const asTenant = async (db: Database, tenantId: string, sql: string, values: unknown[]): Promise<{ rows: Record<string, unknown>[] }> => {
  const client = await db.app.connect()
  try {
    await client.query('begin')
    await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
    return await client.query(sql, values)
  } finally {
    await client.query('commit')
    client.release()
  }
}
