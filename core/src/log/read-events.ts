import type { Database } from '@longhaul/prisma/src/client.ts'
import { isEventType, type LogEvent } from '../events/event.ts'

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

/** A thread's context: its events from a position on, oldest first. Never the whole log (invariant 5 at any length). */
export const readContext = async (
  db: Database,
  of: { tenantId: string; sessionId: string; threadId: string; fromSeq: number },
): Promise<LogEvent[]> => {
  const { rows } = await db.app.query<EventRow>({
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
