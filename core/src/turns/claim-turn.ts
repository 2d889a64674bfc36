/**
 * Owns who may run a turn: claims, leases, the sweep, and the pure decision of what a turn does next. Must never trust a worker's
 * own belief: the database decides, by its own clock (invariants 2 and 4).
 */
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { SessionStatus } from '../events/session-events.ts'
import { retrySerialization } from '../log/append-events.ts'
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
  environmentVersion: { id: string; image: string; cpus: number; memoryMb: number; diskMb: number; network: string }
  unread: UnreadMessage[]
}

/**
 * A worker takes turns that are no suspects. A crowd runs several suspects, and its death counts against none of them: they run alone
 * from then on. `suspect` runs one at a time, and its death counts.
 */
export type WorkerKind = 'worker' | 'crowd' | 'suspect'

export type ClaimRefusal = 'gone' | 'not_due' | 'held' | 'engine' | 'no_lease' | 'suspect' | 'alone' | 'crash_loop'

type Row = Omit<ClaimedTurn, 'tenantId' | 'workerId'> & { refused?: ClaimRefusal; engineId?: string; sessionId?: string; head?: number }

/** Compare-and-set on a due turn: one worker gets it, under a new epoch; everybody else gets the reason why not. */
export const claimTurn = async (
  db: Database,
  claim: { tenantId: string; turnId: string; workerId: string; engineId: string | null; kind: WorkerKind },
): Promise<
  | { refused: ClaimRefusal; engineId?: string | undefined; sessionId?: string | undefined; head?: number | undefined }
  | { refused?: undefined; claimed: ClaimedTurn }
> => {
  const { rows } = await retrySerialization(() =>
    db.app.query<{ result: Row }>({
      name: 'claim_turn',
      text: 'select claim_turn($1, $2, $3, $4, $5) as result',
      values: [claim.tenantId, claim.turnId, claim.workerId, claim.engineId, claim.kind],
    }),
  )
  const row = (rows[0] as { result: Row }).result
  if (row.refused !== undefined) return { refused: row.refused, engineId: row.engineId, sessionId: row.sessionId, head: row.head }
  return { claimed: { ...row, tenantId: claim.tenantId, workerId: claim.workerId } }
}
