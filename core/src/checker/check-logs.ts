import type pg from 'pg'
import { findUnreadable, isEventType, type LogEvent } from '../events/event.ts'
import { EMPTY_FOLD, foldSession, type SessionFold } from '../events/fold-session.ts'
import { hashEvent, isPayloadWhole } from '../log/hash-event.ts'
import { compareProjection, readProjection } from './compare-projection.ts'
import type { Scope } from './report.ts'

/** An event as its session reads it. Its hash covers session and thread as it was written: an inherited one's are its source's. */
export type EventRow = {
  sessionId: string
  writtenIn: string
  seq: number
  type: string
  threadId: string
  actor: string
  payload: string
  payloadHash: string
  salt: string | null
  hash: string
  costNanos: string | null
  createdAt: Date
  createdAtMicros: string
}

const PAGE = 2_000

/**
 * R2, and R8 for what forks inherit: numbered 1..N without gaps, the chain computed again from the rows, through the lineage. And the
 * projection against the log it was folded from.
 */
export const checkLogs = async (scope: Scope): Promise<void> => {
  const { rows } = await scope.client.query<{ id: string; head: number; headHash: string }>(
    'select id, head, head_hash as "headHash" from session order by id',
  )
  for (const session of rows) await checkLog(scope, session)
}

const checkLog = async (scope: Scope, session: { id: string; head: number; headHash: string }): Promise<void> => {
  const wrong = (what: string) => scope.violations.push({ rule: 'R2', at: session.id, what })
  let fold = EMPTY_FOLD
  let last = { seq: 0, hash: '' }
  let erased = false
  for (;;) {
    const page = await readLogRows(scope.client, { sessionId: session.id, after: last.seq, limit: PAGE })
    for (const row of page) {
      const hashed = { ...row, threadId: row.writtenIn }
      if (row.seq !== last.seq + 1) wrong(`event ${last.seq + 1} is missing: the next is ${row.seq}`)
      if (!isPayloadWhole(hashed)) wrong(`event ${row.seq}: its payload is not the one that was hashed`)
      if (hashEvent(last.hash, hashed) !== row.hash) wrong(`event ${row.seq}: the hash chain does not verify`)
      erased ||= row.salt === null
      last = row
    }
    const unreadable = findUnreadable(page.filter(({ salt }) => salt !== null).flatMap(toLogEvent))
    if (unreadable !== null) wrong(`event ${unreadable.seq}: its payload is no ${unreadable.type}'s`)
    fold = foldSession(page.flatMap(toLogEvent), fold)
    if (page.length < PAGE) break
  }
  if (last.seq !== session.head || last.hash !== session.headHash) wrong(`the log ends at ${last.seq}, the session says ${session.head}`)
  if (erased)
    scope.unchecked.push({ rule: 'R2', why: `${session.id}: payloads were erased, so the projection can't be folded again`, whole: false })
  else await checkProjection(scope, session.id, { ...fold, head: last.seq })
}

/** What the rows hold that no event says (wishes, times of work) is not compared. */
const checkProjection = async (scope: Scope, sessionId: string, fold: SessionFold): Promise<void> => {
  for (const what of compareProjection(fold, await readProjection(scope.client, sessionId)))
    scope.violations.push({ rule: 'R2', at: sessionId, what })
}

/** A session's log from a position on, inherited events too, as Postgres stores it. */
export const readLogRows = async (
  client: pg.ClientBase | pg.Pool,
  { sessionId, after, limit }: { sessionId: string; after: number; limit: number },
): Promise<EventRow[]> => {
  const { rows } = await client.query<EventRow>({
    name: 'check_log',
    text: `select e.session_id as "sessionId", e.thread_id as "writtenIn", case when e.thread_id = p.source_thread_id then p.thread_id else e.thread_id end as "threadId",
        e.seq, e.type, e.actor, e.payload::text as payload, e.payload_hash as "payloadHash", e.salt, e.hash, e.cost_nanos as "costNanos",
        e.created_at as "createdAt", (extract(epoch from e.created_at) * 1000000)::bigint::text as "createdAtMicros"
      from log_piece p cross join lateral (
        select * from event x where x.session_id = p.source_session_id and x.seq > $2 and x.seq >= p.from_seq and (x.session_id = $1 or x.seq <= p.to_seq)
        order by x.seq limit ${limit}) e
      where p.session_id = $1 order by e.seq limit ${limit}`,
    values: [sessionId, after],
  })
  return rows
}

/** Nothing for a type that this release does not know. */
export const toLogEvent = ({ seq, type, threadId, actor, payload, costNanos, createdAt }: EventRow): LogEvent[] =>
  isEventType(type)
    ? [
        {
          seq,
          type,
          threadId,
          actor,
          payload: JSON.parse(payload),
          costNanos: costNanos === null ? null : BigInt(costNanos),
          createdAt,
        } as LogEvent,
      ]
    : []
