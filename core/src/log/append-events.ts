/**
 * Owns the append-only log: appending, reading by position, announcing. Nothing else writes events, and nothing here decides what to
 * write. Must never keep a session's state in memory: the log is the truth (invariant 1).
 */
import type { Database } from '@longhaul/prisma/src/client.ts'
import type pg from 'pg'
import type { TokenUsage } from '../budgets/prices.ts'
import { type NewEvent, parsePayload } from '../events/event.ts'
import type { SessionStatus } from '../events/session-events.ts'
import { cleanJson } from '../text.ts'
import { writeTogether } from './write-together.ts'

/** A job to add once the transaction is committed. */
export type Wake = { tenantId: string; turnId: string; wakeNo: number; engineId: string | null; rank: number }

export type NextTurn = { id: string; kind: 'work' | 'evaluate'; round?: number }

/** What becomes of the thread's open turn; meanings in prisma/sql/move_turn.sql. */
export type TurnMove = (
  | { op: 'settle'; turnId: string; outcome: string; next: NextTurn | null }
  | { op: 'delay'; turnId: string; dueInMs: number; attempt: number; reason: 'retry' }
  | {
      op: 'wait'
      turnId: string
      reason: 'budget' | 'budget_reached' | 'environment' | 'paused'
      scope?: string
      dueAt?: string | null
      dueInMs?: number
    }
  | { op: 'ensure'; next: NextTurn }
  | { op: 'park'; reason: 'paused' }
  | { op: 'cancel' }
  | { op: 'control' }
) & { control?: 'pause' | 'interrupt' | null; obeyed?: 'interrupt' }

export type Settlement = {
  reservationId: string
  costNanos: bigint
  usage: TokenUsage | null
  basis: 'exact' | 'estimated' | 'presumed'
  requestId?: string | null
}

export type Append = {
  tenantId: string
  sessionId: string
  threadId: string
  /** The claim's epoch for what a turn writes; null for what people and the platform write. */
  epoch: number | null
  events: NewEvent[]
  /** What must still hold, else nothing is written. */
  guard?: {
    unread?: 0
    control?: false | 'pause' | 'interrupt'
    satisfied?: true
    conditions?: 0
    budget?: { id: string; limitNanos: string; spentNanos?: string }
  }
  turn?: TurnMove
  settle?: Settlement
}

export type AppendResult =
  | { refused: 'not_found' | 'stale_epoch' | 'unread' | 'control' | 'conditions' | 'budget' }
  | {
      refused?: undefined
      first: number
      head: number
      headHash: string
      status: SessionStatus
      control: 'pause' | 'interrupt' | null
      wakes: Wake[]
    }

/** Anything that runs a query: the pool, or a client inside a transaction. */
export type Queryable = Pick<pg.Pool, 'query'> | Pick<pg.ClientBase, 'query'>

/**
 * Appends a batch to one session's log, with the projection, the turn and the settlement in the same transaction: one round trip.
 * The caller announces `head` and sends the wakes after its commit. Refusals are answers, not errors; `23505` on a repeated
 * verdict or turn is the caller's.
 */
export const appendEvents = async (db: Pick<Database, 'app'> | { client: pg.ClientBase }, append: Append): Promise<AppendResult> => {
  const { tenantId, sessionId, threadId, epoch } = append
  const events = JSON.stringify(append.events.map(toRow))
  const run = async (queryable: Queryable) => {
    const { rows } = await queryable.query<{ result: AppendResult }>({
      name: 'append_events',
      text: 'select append_events($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7::jsonb, $8::jsonb) as result',
      values: [
        tenantId,
        sessionId,
        threadId,
        epoch,
        events,
        append.guard === undefined ? null : JSON.stringify(append.guard),
        append.turn === undefined ? null : JSON.stringify(append.turn),
        append.settle === undefined ? null : JSON.stringify(toSettlementRow(append.settle)),
      ],
    })
    return (rows[0] as { result: AppendResult }).result
  }
  if ('client' in db) return run(db.client)
  const alone = () => retrySerialization(() => run(db.app))
  if (append.guard !== undefined || append.turn !== undefined || append.settle !== undefined) return alone()
  const whom = JSON.stringify({ tenant: tenantId, session: sessionId, thread: threadId, epoch })
  return writeTogether(db.app, { call: `${whom.slice(0, -1)},"events":${events}}`, alone })
}

export const toSettlementRow = (settle: Settlement): Record<string, unknown> => ({ ...settle, costNanos: settle.costNanos.toString() })

/** Deadlock and serialization failures leave nothing behind, so the whole statement is simply tried again. */
export const retrySerialization = async <T>(run: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries++) {
    try {
      return await run()
    } catch (error) {
      const code = (error as { code?: string }).code
      if (tries >= 5 || (code !== '40P01' && code !== '40001')) throw error
    }
  }
}

export const toRow = (event: NewEvent): Record<string, unknown> => {
  const { value, lossy } = cleanJson(parsePayload(event))
  const payload = lossy ? { ...(value as Record<string, unknown>), lossy: true } : value
  return {
    type: event.type,
    actor: event.actor,
    payload,
    ...(event.costNanos === undefined ? {} : { costNanos: event.costNanos.toString() }),
  }
}
