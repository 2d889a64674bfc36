import type { Database } from '@longhaul/prisma/src/client.ts'
import { isEventType, type LogEvent } from '../events/event.ts'
import type { Queryable } from './append-events.ts'

/** As read_events gives it; times and costs as text where they came as JSON. */
export type EventRow = {
  seq: number
  type: string
  thread_id: string
  actor: string
  payload: unknown
  cost_nanos: string | null
  created_at: Date | string
}

type ContextOf = { tenantId: string; sessionId: string; threadId: string; fromSeq: number }

/** A thread's context: its events from a position on, oldest first, without what was undone. Never the whole log (invariant 5 at any length). */
export const readContext = (db: Pick<Database, 'app'>, of: ContextOf): Promise<LogEvent[]> => readContextOf(db.app, of)

/** The same inside a transaction. */
export const readContextOf = async (queryable: Queryable, of: ContextOf): Promise<LogEvent[]> => {
  const { rows } = await queryable.query<EventRow>({
    name: 'read_context',
    text: 'select * from read_events($1, $2, $3, $4, null)',
    values: [of.tenantId, of.sessionId, of.threadId, of.fromSeq],
  })
  return rows.flatMap(toLogEvent)
}

/** Events this release knows; those of a later release are left to it. */
export const toLogEvent = (row: EventRow): LogEvent[] =>
  isEventType(row.type)
    ? [
        {
          seq: row.seq,
          type: row.type,
          threadId: row.thread_id,
          actor: row.actor,
          payload: row.payload,
          costNanos: row.cost_nanos === null ? null : BigInt(row.cost_nanos),
          createdAt: new Date(row.created_at),
        } as LogEvent,
      ]
    : []
