/**
 * Owns what people do to sessions: create, message, pause, resume, cancel, evaluate, delete. Each operation is one transaction that
 * locks the session, decides, appends, and only then announces and wakes. Must never run a turn or write for one.
 */
import type { Session } from '@longhaul/prisma/generated/client.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import type pg from 'pg'
import { notFound as missing, PlatformError } from '../errors.ts'
import type { NewEvent } from '../events/event.ts'
import type { SessionStatus } from '../events/session-events.ts'
import type { Announcer } from '../log/announcer.ts'
import { appendEvents, type Queryable, retrySerialization, type TurnMove, toRow, type Wake } from '../log/append-events.ts'
import { writeTogether } from '../log/write-together.ts'
import type { WakeQueue } from '../queue/wake-queue.ts'
import { toSessionRow } from './to-session-row.ts'

/** What an operation needs from outside. */
export type CoreParts = { db: Database; announcer: Announcer; queue: WakeQueue }

/** Who asks: the key's id is the actor of what they do. */
export type Caller = { tenantId: string; keyId: string }

/** A session as it stands under its lock. */
export type LockedSession = {
  id: string
  status: SessionStatus
  stopReason: string | null
  control: 'pause' | 'interrupt' | null
  primaryThreadId: string
  head: number
  evaluationRounds: number
  turn: { id: string; kind: 'work' | 'evaluate'; state: 'due' | 'running' | 'waiting'; waitReason: string | null } | null
  /** Turns of the tenant that wait for a slot. */
  backlog: number
  /** Messages of the session that no turn has read yet. */
  unread: number
  tenant: { status: 'ACTIVE' | 'SUSPENDED'; backlogLimit: number }
}

export type Change = { events: NewEvent[]; turn?: TurnMove; control?: boolean }

/** Turns of a tenant that may wait before new work is refused; asked again after this long. */
const BACKLOG_RETRY_MS = 5_000

/**
 * Locks the session, lets `decide` say what happens (or throw a PlatformError), appends it. `first` is the seq of the first event.
 * Throws NOT_FOUND where the tenant has no such session.
 */
export const changeSession = async (
  parts: CoreParts,
  { tenantId, sessionId }: { tenantId: string; sessionId: string },
  decide: (session: LockedSession, client: pg.ClientBase) => Change | null | Promise<Change | null>,
): Promise<{ sessionId: string; first: number; head: number }> => {
  const outcome = await retrySerialization(() =>
    inTransaction(parts.db, async (client) => {
      const session = await lockSession(client, { tenantId, sessionId })
      const change = await decide(session, client)
      if (change === null) return { first: session.head, head: session.head, wakes: [] as Wake[], control: false }
      const result = await appendEvents({ client }, { tenantId, sessionId, threadId: session.primaryThreadId, epoch: null, ...change })
      if (result.refused !== undefined) throw notFound(sessionId)
      return { first: result.first, head: result.head, wakes: result.wakes, control: change.control ?? false }
    }),
  )
  tell(parts, { tenantId, sessionId, ...outcome })
  return { sessionId, first: outcome.first, head: outcome.head }
}

/** An idempotency key that is kept in the change's own transaction; the seq of the first event is added to its answer. */
export type KeptKey = { mutation: string; key: string; inputHash: string; answer: Record<string, string | number> }

/** Somebody has used the idempotency key already. */
export class KeyTakenError extends Error {}

/** A decision that meets a session in motion so often is made under its lock: a crowd that speaks at once keeps nobody out. */
const QUICK_DECISIONS = 3

type Quick = { tenantId: string; sessionId: string; keep?: KeptKey | null }
type Decide = (session: LockedSession) => Change & { onHead?: boolean }
type Seen = LockedSession & { guessed?: true }

/**
 * The quick way for what people do most: decides on a guess, and commits in the same round trip if the guess is true; else it is told
 * what the session is, and decides again. `decide` must depend on nothing but status, control, the open turn's state, the limits and,
 * where `onHead`, the head.
 */
export const changeSessionQuickly = async (
  parts: CoreParts,
  of: Quick,
  decide: Decide,
): Promise<{ first: number; head: number; session: Session }> => {
  const { tenantId, sessionId } = of
  let seen = guessSession(sessionId)
  for (let decisions = 0; ; decisions++) {
    const { outcome, control } =
      decisions <= QUICK_DECISIONS
        ? await changeWhatWasSeen(parts.db, of, seen, decide)
        : await retrySerialization(() =>
            inTransaction(parts.db, async (client) => changeWhatWasSeen({ client }, of, await lockSession(client, of), decide)),
          )
    if (outcome.refused === undefined) {
      tell(parts, { tenantId, sessionId, head: outcome.head, wakes: outcome.wakes, control })
      return { first: outcome.first, head: outcome.head, session: toSessionRow(outcome.session) }
    }
    if (outcome.refused === 'key_taken') throw new KeyTakenError(`the idempotency key ${of.keep?.key} was used already`)
    if (outcome.refused !== 'changed') throw notFound(sessionId)
    seen = outcome.seen
  }
}

/** Most of what is changed quickly is at work, and far from its limits: whoever guesses so is mostly right, and never has to look. */
const guessSession = (id: string): Seen => ({
  id,
  guessed: true,
  status: 'RUNNING',
  stopReason: null,
  control: null,
  primaryThreadId: '',
  head: 0,
  evaluationRounds: 0,
  turn: { id: '', kind: 'work', state: 'running', waitReason: null },
  backlog: 0,
  unread: 0,
  tenant: { status: 'ACTIVE', backlogLimit: 1 },
})

const changeWhatWasSeen = async (
  db: Pick<Database, 'app'> | { client: pg.ClientBase },
  { tenantId, sessionId, keep = null }: Quick,
  session: Seen,
  decide: Decide,
): Promise<{ outcome: QuickResult; control: boolean }> => {
  const { events, turn, control = false, onHead = false } = decide(session)
  const expect = {
    status: session.status,
    control: session.control,
    turnState: session.turn?.state ?? null,
    ...(session.guessed ? { limits: true } : { turnId: session.turn?.id ?? null }),
    ...(onHead ? { head: session.head } : {}),
  }
  const rows = events.map(toRow)
  const run = async (queryable: Queryable): Promise<QuickResult> => {
    const answer = await queryable.query<{ result: QuickResult }>({
      name: 'change_session',
      text: 'select change_session($1, $2, $3::jsonb, $4::jsonb, $5::jsonb, $6::jsonb) as result',
      values: [
        tenantId,
        sessionId,
        JSON.stringify(expect),
        JSON.stringify(rows),
        turn === undefined ? null : JSON.stringify(turn),
        keep === null ? null : JSON.stringify(keep),
      ],
    })
    return (answer.rows[0] as { result: QuickResult }).result
  }
  if ('client' in db) return { outcome: await run(db.client), control }
  const alone = () => retrySerialization(() => run(db.app))
  const call = { tenant: tenantId, session: sessionId, expect, events: rows, keep }
  return { outcome: turn === undefined ? await writeTogether(db.app, { call: JSON.stringify(call), alone }) : await alone(), control }
}

type QuickResult =
  | { refused: 'not_found' }
  | { refused: 'key_taken' }
  | { refused: 'changed'; seen: LockedSession }
  | { refused?: undefined; first: number; head: number; wakes: Wake[]; session: Record<string, unknown> }

export const lockSession = async (
  client: pg.ClientBase,
  { tenantId, sessionId }: { tenantId: string; sessionId: string },
): Promise<LockedSession> => {
  const { rows } = await client.query<{ session: LockedSession | null }>({
    name: 'lock_session',
    text: 'select lock_session($1, $2) as session',
    values: [tenantId, sessionId],
  })
  const session = rows[0]?.session ?? null
  if (session === null) throw notFound(sessionId)
  return session
}

/** After the commit: whoever watches reads on, whoever should run is woken. Neither can fail what was committed. */
export const tell = (
  parts: CoreParts,
  { tenantId, sessionId, head, wakes, control }: { tenantId: string; sessionId: string; head: number; wakes: Wake[]; control: boolean },
): void => {
  parts.announcer.announceHead({ tenantId, sessionId, head })
  if (control) parts.announcer.announceControl(sessionId)
  parts.queue.send(wakes)
}

export const inTransaction = async <T>(db: Pick<Database, 'app'>, run: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
  const client = await db.app.connect()
  try {
    await client.query('begin')
    const result = await run(client)
    await client.query('commit')
    client.release()
    return result
  } catch (error) {
    // A connection that can't roll back is of no more use.
    await client.query('rollback').then(
      () => client.release(),
      () => client.release(true),
    )
    throw error
  }
}

/** What is suspended spends nothing more: it reads, it stops what it has (pause, cancel, delete), and it starts nothing. */
export const refuseSuspended = ({ tenant }: Pick<LockedSession, 'tenant'>): void => {
  if (tenant.status === 'SUSPENDED')
    throw new PlatformError('FORBIDDEN', 'This tenant is suspended: it can read, and stop what it has; it can start nothing.')
}

export const refuseBacklog = (session: Pick<LockedSession, 'backlog' | 'tenant'>): void => {
  refuseSuspended(session)
  if (session.backlog >= session.tenant.backlogLimit) {
    throw new PlatformError('RATE_LIMITED', `${session.backlog} turns of this tenant wait already; try again later.`, {
      retryAfterMs: BACKLOG_RETRY_MS,
    })
  }
}

/** One session's messages add no turn, so the tenant's limit holds for them apart: else a running session would take any number. */
export const refuseUnread = ({ id, unread, tenant }: Pick<LockedSession, 'id' | 'unread' | 'tenant'>): void => {
  if (unread >= tenant.backlogLimit) {
    throw new PlatformError('RATE_LIMITED', `${unread} messages to session ${id} wait to be read already; try again later.`, {
      retryAfterMs: BACKLOG_RETRY_MS,
    })
  }
}

export const notFound = (id: string): PlatformError => missing('session', id)

/** FAILED and CANCELED are final. */
export const refuseFinal = (session: LockedSession, what: string): void => {
  if (session.status === 'CANCELED' || session.status === 'FAILED') {
    throw new PlatformError('CONFLICT', `Session ${session.id} is ${session.status}, which is final: it can't be ${what}.`, {
      status: session.status,
    })
  }
}
