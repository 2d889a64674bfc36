/**
 * Owns who may run a turn: claims, leases, the sweep, and the pure decision of what a turn does next. Must never trust a worker's
 * own belief: the database decides, by its own clock (invariants 2 and 4).
 */
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { LogEvent } from '../events/event.ts'
import type { SessionStatus } from '../events/session-events.ts'
import { retrySerialization } from '../log/append-events.ts'
import { type EventRow, toLogEvent } from '../log/read-events.ts'
import type { UnreadMessage } from './view-turn.ts'

/** What a turn needs to begin, as the database says it under the claim. */
export type ClaimedTurn = {
  tenantId: string
  workerId: string
  epoch: number
  session: {
    id: string
    status: SessionStatus
    agentId: string
    control: 'pause' | 'interrupt' | null
    head: number
    maxEvaluations: number
    evaluationRounds: number
    roundsSinceMessage: number
    sandboxId: string | null
    sandboxState: string | null
    baselineSnapshotId: string | null
    hasConditions: boolean
    /** People have put files in that no sandbox has yet. */
    hasUploads: boolean
  }
  thread: { id: string; contextFromSeq: number }
  turn: { id: string; kind: 'work' | 'evaluate'; attempt: number; suspect: boolean; round: number }
  agentVersion: {
    id: string
    model: string
    judgeModel: string | null
    system: string | null
    tools: { name: string; permission: 'ALWAYS_ALLOW' | 'DENY' }[]
  }
  environmentVersion: {
    id: string
    image: string
    cpus: number
    memoryMb: number
    diskMb: number
    network: string
    setupHash: string | null
    idleSeconds: number | null
    keepAwakeSeconds: number
  }
  unread: UnreadMessage[]
  /** The thread's context: its events from `contextFromSeq` on, oldest first. */
  events: LogEvent[]
}

/**
 * A worker takes turns that are no suspects. A crowd runs several suspects, and its death counts against none of them: they run alone
 * from then on. `suspect` runs one at a time, and its death counts.
 */
export type WorkerKind = 'worker' | 'crowd' | 'suspect'

export type ClaimRefusal = 'gone' | 'not_due' | 'held' | 'draining' | 'engine' | 'no_lease' | 'suspect' | 'alone' | 'crash_loop'

type Row = Omit<ClaimedTurn, 'tenantId' | 'workerId' | 'events'> & {
  refused?: ClaimRefusal
  engineId?: string
  sessionId?: string
  head?: number
}

/** Compare-and-set on a due turn: one worker gets it, under a new epoch; everybody else gets the reason why not. */
export const claimTurn = async (
  db: Database,
  claim: { tenantId: string; turnId: string; workerId: string; engineId: string | null; kind: WorkerKind },
): Promise<
  | { refused: ClaimRefusal; engineId?: string | undefined; sessionId?: string | undefined; head?: number | undefined }
  | { refused?: undefined; claimed: ClaimedTurn }
> => {
  const { rows } = await retrySerialization(() =>
    db.app.query<{ result: Row; events: EventRow[] | null }>({
      name: 'claim_turn',
      text: CLAIM,
      values: [claim.tenantId, claim.turnId, claim.workerId, claim.engineId, claim.kind],
    }),
  )
  const { result: row, events } = rows[0] as (typeof rows)[number]
  if (row.refused !== undefined) return { refused: row.refused, engineId: row.engineId, sessionId: row.sessionId, head: row.head }
  return { claimed: { ...row, tenantId: claim.tenantId, workerId: claim.workerId, events: (events ?? []).flatMap(toLogEvent) } }
}

/** Claims and reads the context under the claim, in one round trip: `offset 0` keeps the claim a step of its own, and the first. */
const CLAIM = `
  select c.result, case when c.result ? 'epoch' then (
    select json_agg(row) from (
      select e.seq, e.type, e.thread_id, e.actor, e.payload, e.cost_nanos::text, e.created_at
      from read_events($1, c.result->'session'->>'id', c.result->'thread'->>'id', (c.result->'thread'->>'contextFromSeq')::int, null) e
    ) row
  ) end as events
  from (select claim_turn($1, $2, $3, $4, $5) as result offset 0) c`
