import { badInput } from '@longhaul/core/src/errors.ts'
import { Prisma } from '@longhaul/prisma/generated/client.ts'
import DataLoader from 'dataloader'
import type { TenantReads } from '../../context.ts'
import type { SessionEventsArgs } from '../../generated/resolver-types.ts'
import { type Connection, NUMBER_KEY, type Page, parsePage, toConnection } from '../../graphql/connection.ts'
import type { EventParent, EventRow } from '../parents.ts'

/** A page ends here although it has room for more events. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024
const MAX_TYPES = 50

type Filter = { page: Page; afterSeq: number | null; types: string[] | null; threadId: string | null }
type Row = EventRow & { owner: string; cut: boolean }

const loaders = new WeakMap<TenantReads, Map<string, DataLoader<string, Row[]>>>()

/** A page of a session's log, oldest first. Sessions that ask for the same page are answered by one statement. */
export const readEventPage = async (
  reads: TenantReads,
  sessionId: string,
  args: Partial<SessionEventsArgs>,
): Promise<Connection<EventParent>> => {
  const page = parsePage(args, { isKey: NUMBER_KEY })
  const types = args.types ?? null
  if (types !== null && types.length > MAX_TYPES) throw badInput('types', `at most ${MAX_TYPES} types`)
  const filter = { page, afterSeq: args.afterSeq ?? null, types, threadId: args.threadId ?? null }
  const known = loaders.get(reads) ?? new Map<string, DataLoader<string, Row[]>>()
  loaders.set(reads, known)
  const name = JSON.stringify(filter)
  const loader = known.get(name) ?? new DataLoader<string, Row[]>((ids) => readPages(reads, ids, filter))
  known.set(name, loader)
  const rows = await loader.load(sessionId)
  const { tenantId } = reads
  return toConnection(
    rows.filter((row) => !row.cut),
    page,
    { key: (row) => String(row.seq), node: (row) => ({ tenantId, sessionId, seq: row.seq, row }), more: rows.some((row) => row.cut) },
  )
}

/** Rows beyond the size limit come without their payload: they only say that there is more. */
const readPages = async (
  { tenantId, read }: TenantReads,
  ids: readonly string[],
  { page, afterSeq, types, threadId }: Filter,
): Promise<Row[][]> => {
  const order = page.forward ? Prisma.sql`seq asc` : Prisma.sql`seq desc`
  const bounds = [
    page.after === null ? Prisma.empty : Prisma.sql`and x.seq > ${Number(page.after)}`,
    afterSeq === null ? Prisma.empty : Prisma.sql`and x.seq > ${afterSeq}`,
    page.before === null ? Prisma.empty : Prisma.sql`and x.seq < ${Number(page.before)}`,
    types === null ? Prisma.empty : Prisma.sql`and x.type = any(${types.map(clean)}::text[])`,
    threadId === null
      ? Prisma.empty
      : Prisma.sql`and x.thread_id = case when p.thread_id = ${clean(threadId)} then p.source_thread_id else ${clean(threadId)} end`,
  ]
  const rows = await read(
    (prisma) => prisma.$queryRaw<Row[]>`
      select parent.id as owner, item.seq, item.type, item.thread_id as "threadId", item.actor, item.hash, item.cost_nanos as "costNanos", item.created_at as "createdAt",
        item.before >= ${MAX_PAGE_BYTES} as cut, case when item.before < ${MAX_PAGE_BYTES} then item.payload end as payload
      from unnest(${[...ids]}::text[]) parent(id) cross join lateral (
        select found.*, coalesce(sum(octet_length(payload::text)) over (order by ${order} rows between unbounded preceding and 1 preceding), 0) as before
        from (select e.* from log_piece p cross join lateral (
            select x.seq, x.type, case when x.thread_id = p.source_thread_id then p.thread_id else x.thread_id end as thread_id, x.actor, x.hash, x.cost_nanos, x.created_at, x.payload
            from event x where x.session_id = p.source_session_id and x.tenant_id = ${tenantId} and x.seq between p.from_seq and p.to_seq ${Prisma.join(bounds, ' ')}
            order by ${order} limit ${page.size + 1}) e
          where p.session_id = parent.id and p.tenant_id = ${tenantId} order by ${order} limit ${page.size + 1}) found
        order by ${order}) item`,
  )
  const byOwner = Map.groupBy(rows, (row) => row.owner)
  return ids.map((id) => byOwner.get(id) ?? [])
}

/** No event has such a text, and Postgres takes none. */
const clean = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD')
