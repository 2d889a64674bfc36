import type { Database } from '@longhaul/prisma/src/client.ts'
import type { StoredEvent } from './session-update.ts'

type Row = {
  seq: number
  type: string
  thread_id: string
  actor: string
  payload: string
  cost_nanos: string | null
  created_at: Date
  hash: string
}

/** What an event takes besides its payload, roughly. */
const EVENT_OVERHEAD_BYTES = 400

export type LogPage = { tenantId: string; sessionId: string; from: number; events: number; bytes: number }

/** Events from a position on, oldest first. None where the log ends before it, or is deleted, or is another tenant's. */
export const readLogPage = async (db: Pick<Database, 'app'>, page: LogPage): Promise<StoredEvent[]> => {
  const { rows } = await db.app.query<Row>({
    name: 'read_log_page',
    text: 'select * from read_log_page($1, $2, $3, $4, $5)',
    values: [page.tenantId, page.sessionId, page.from, page.events, page.bytes],
  })
  return rows.map(toStoredEvent)
}

/**
 * Pages of several logs in one query, by their place in the list. From `left` on none was read, because the others were as large as one
 * answer may be.
 */
export const readLogPages = async (
  db: Pick<Database, 'app'>,
  logs: readonly Pick<LogPage, 'tenantId' | 'sessionId' | 'from'>[],
  { events, bytes }: Pick<LogPage, 'events' | 'bytes'>,
): Promise<{ pages: Map<number, StoredEvent[]>; left: number }> => {
  const wanted = logs.map(({ tenantId, sessionId, from }) => ({ tenant: tenantId, session: sessionId, from }))
  const { rows } = await db.app.query<Row & { log: number }>({
    name: 'read_log_pages',
    text: 'select * from read_log_pages($1::jsonb, $2, $3)',
    values: [JSON.stringify(wanted), events, bytes],
  })
  const pages = new Map<number, StoredEvent[]>()
  let read = 0
  for (const row of rows) {
    read += Buffer.byteLength(row.payload)
    const page = pages.get(row.log)
    if (page === undefined) pages.set(row.log, [toStoredEvent(row)])
    else page.push(toStoredEvent(row))
  }
  return { pages, left: read < bytes ? logs.length : (rows.at(-1)?.log ?? 0) + 1 }
}

const toStoredEvent = (row: Row): StoredEvent => ({
  seq: row.seq,
  type: row.type,
  threadId: row.thread_id,
  actor: row.actor,
  payload: JSON.parse(row.payload),
  hash: row.hash,
  costNanos: row.cost_nanos === null ? null : BigInt(row.cost_nanos),
  createdAt: row.created_at,
  bytes: row.payload.length + EVENT_OVERHEAD_BYTES,
})

export type Head = { tenantId: string; head: number }

/** The newest seq of each session that still exists, in one query. */
export const readHeads = async (db: Pick<Database, 'system'>, sessionIds: readonly string[]): Promise<Map<string, Head>> => {
  const { rows } = await db.system.query<{ id: string; tenant_id: string; head: number }>({
    name: 'read_heads',
    text: 'select id, tenant_id, head from session where id = any($1) and deleted_at is null',
    values: [sessionIds],
  })
  return new Map(rows.map((row) => [row.id, { tenantId: row.tenant_id, head: row.head }]))
}

export type ChangedSession = Head & { sessionId: string }

/** The tenants' sessions that changed in the last so many milliseconds of the database's clock, in one query. Deleted ones are left out. */
export const readChangedSessions = async (
  db: Pick<Database, 'system'>,
  tenantIds: readonly string[],
  sinceMs: number,
): Promise<ChangedSession[]> => {
  const { rows } = await db.system.query<{ id: string; tenant_id: string; head: number }>({
    name: 'read_changed_sessions',
    text: `select id, tenant_id, head from session
      where tenant_id = any($1) and updated_at > now() - $2::float8 * interval '1 millisecond' and deleted_at is null order by updated_at`,
    values: [tenantIds, sinceMs],
  })
  return rows.map((row) => ({ sessionId: row.id, tenantId: row.tenant_id, head: row.head }))
}
