/**
 * Owns money: prices, caps, what is held and what is spent. Every amount is whole nano-dollars in a bigint. Must never let a call
 * begin whose worst case is not held (invariant 6).
 */
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { NewEvent } from '../events/event.ts'
import { retrySerialization, type Settlement, toRow, toSettlementRow, type Wake } from '../log/append-events.ts'

export type Reservation = { id: string; maxTokens: number; amountNanos: bigint }

type Refusal = {
  granted: false
  by: 'spent' | 'held'
  budgetId: string
  limitNanos: string
  spentNanos: string
  scope: string
  resetsAt: string | null
}

export type ReserveResult =
  | { granted: true; reservation: Reservation }
  /** spent: the cap can't hold the call whatever becomes of those in flight. held: it may fit when they are settled. */
  | Refusal
  | { refused: 'stale_epoch' | 'not_found' }

/** Where events went with it. */
export type Appended = { first: number; head: number }

export type ReserveRequest = {
  tenantId: string
  sessionId: string
  threadId: string
  epoch: number
  id: string
  turnId: string
  agentId: string
  workerId: string
  kind: 'work' | 'judge'
  model: string
  /** The bound on the input, priced. */
  fixedNanos: bigint
  perTokenNanos: bigint
  maxTokens: number
  /** The output never shrinks below this. */
  minTokens: number
  /** The model has no price: the call is free, and fits under no cap. */
  unpriced?: boolean
  /** Go into the log first, in the same transaction, and stand there also where a budget refuses. */
  events?: NewEvent[]
}

/** Holds a call's worst case under every budget above it, in one statement. `appended` is set where there were events. */
export const reserveCall = async (db: Database, request: ReserveRequest): Promise<ReserveResult & { appended?: Appended }> => {
  const { tenantId, sessionId, threadId, epoch, events = [], ...call } = request
  const reservation = JSON.stringify({ ...call, fixedNanos: call.fixedNanos.toString(), perTokenNanos: call.perTokenNanos.toString() })
  const whom = [tenantId, sessionId, threadId, epoch]
  const { rows } = await retrySerialization(() =>
    db.app.query<{ result: RawResult & { appended?: Appended } }>(
      events.length === 0
        ? { name: 'reserve_call', text: 'select reserve_call($1, $2, $3, $4, $5::jsonb) as result', values: [...whom, reservation] }
        : {
            name: 'begin_call',
            text: 'select begin_call($1, $2, $3, $4, $5::jsonb, $6::jsonb) as result',
            values: [...whom, JSON.stringify(events.map(toRow)), reservation],
          },
    ),
  )
  const { result } = rows[0] as (typeof rows)[number]
  if ('refused' in result) return { refused: result.refused }
  const appended = result.appended === undefined ? {} : { appended: { first: result.appended.first, head: result.appended.head } }
  if (!result.granted) return { ...result, ...appended }
  return {
    granted: true,
    reservation: { id: request.id, maxTokens: result.maxTokens, amountNanos: BigInt(result.amountNanos) },
    ...appended,
  }
}

/** Settles outside an append: a failed call, a judge's, or a late holder's, who needs no claim for it. Once per reservation. */
export const settleCall = async (db: Database, tenantId: string, settle: Settlement): Promise<{ settled: boolean; wakes: Wake[] }> => {
  const { rows } = await retrySerialization(() =>
    db.app.query<{ result: { settled: boolean; wakes: Wake[] } }>({
      name: 'settle_call',
      text: 'select settle_call($1, $2::jsonb) as result',
      values: [tenantId, JSON.stringify(toSettlementRow(settle))],
    }),
  )
  return (rows[0] as (typeof rows)[number]).result
}

type RawResult = { refused: 'stale_epoch' | 'not_found' } | { granted: true; maxTokens: number; amountNanos: string } | Refusal
