import { isEventType, type LogEvent } from '../events/event.ts'
import { EMPTY_FOLD, foldSession, type SessionFold } from '../events/fold-session.ts'
import { hashEvent, isPayloadWhole } from '../log/hash-event.ts'
import { compareProjection, readProjection } from './compare-projection.ts'
import type { Scope } from './report.ts'

type EventRow = {
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

/** R2: numbered 1..N without gaps, the chain computed again from the rows. And the projection against the log it was folded from. */
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
    const page = await readPage(scope, session.id, last.seq)
    for (const row of page) {
      const hashed = { ...row, sessionId: session.id }
      if (row.seq !== last.seq + 1) wrong(`event ${last.seq + 1} is missing: the next is ${row.seq}`)
      if (!isPayloadWhole(hashed)) wrong(`event ${row.seq}: its payload is not the one that was hashed`)
      if (hashEvent(last.hash, hashed) !== row.hash) wrong(`event ${row.seq}: the hash chain does not verify`)
      erased ||= row.salt === null
      last = row
    }
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

const readPage = async (scope: Scope, sessionId: string, after: number): Promise<EventRow[]> => {
  const { rows } = await scope.client.query<EventRow>({
    name: 'check_log',
    text: `select seq, type, thread_id as "threadId", actor, payload::text as payload, payload_hash as "payloadHash", salt, hash, cost_nanos as "costNanos",
        created_at as "createdAt", (extract(epoch from created_at) * 1000000)::bigint::text as "createdAtMicros"
      from event where session_id = $1 and seq > $2 order by seq limit ${PAGE}`,
    values: [sessionId, after],
  })
  return rows
}

const toLogEvent = ({ seq, type, threadId, actor, payload, costNanos, createdAt }: EventRow): LogEvent[] =>
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
