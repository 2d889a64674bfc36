import type pg from 'pg'
import { notFound, PlatformError } from '../errors.ts'
import type { LogEvent } from '../events/event.ts'
import type { RewindAxis } from '../events/session-events.ts'
import { readContextOf } from '../log/read-events.ts'
import { type Caller, type CoreParts, changeSession } from '../sessions/change-session.ts'
import { decideRewind, refuseRewind } from './decide-rewind.ts'
import type { RewindTarget } from './rewind-target.ts'

export type Rewind = {
  checkpointId: string
  /** Who goes back: a fork may go back to what it inherits. Null: the checkpoint's own session. */
  sessionId: string | null
  axis: RewindAxis
}

/**
 * Takes a session back to a checkpoint: one event that is appended, in one transaction. `before` runs in it: the idempotency key is kept
 * there. Nothing runs meanwhile, and nothing that ran before can write later: the epoch rises. The sandbox that the log no longer knows
 * is replaced by whoever needs one next, from the checkpoint, and reaped till then.
 *
 * Throws NOT_FOUND for a checkpoint that the session does not have, CONFLICT for a session at work or ended, or files that are spoilt,
 * UNAVAILABLE while the only engine that has the files does not answer.
 */
export const rewindSession = async (
  parts: CoreParts,
  caller: Caller,
  { checkpointId, sessionId, axis }: Rewind,
  before?: (client: pg.ClientBase, sessionId: string) => Promise<void>,
): Promise<{ sessionId: string }> => {
  const { tenantId, keyId } = caller
  const id = sessionId ?? (await findOwner(parts, { tenantId, checkpointId }))
  await changeSession(parts, { tenantId, sessionId: id }, async (session, client) => {
    refuseRewind(session)
    await before?.(client, id)
    const target = await readTarget(client, { tenantId, sessionId: id, checkpointId })
    if (axis !== 'CONVERSATION') refuseSpoiltFiles(target)
    // Of a conversation that goes on it must be known what its calls have come to.
    const context = axis === 'FILES' ? await readCurrentContext(client, { tenantId, sessionId: id, threadId: session.primaryThreadId }) : []
    return decideRewind(session, { target, axis, context, actor: keyId })
  })
  return { sessionId: id }
}

const findOwner = async (
  { db }: Pick<CoreParts, 'db'>,
  { tenantId, checkpointId }: { tenantId: string; checkpointId: string },
): Promise<string> => {
  const { rows } = await db.app.query<{ owner: string | null }>('select read_checkpoint_owner($1, $2) as owner', [tenantId, checkpointId])
  const owner = rows[0]?.owner ?? null
  if (owner === null) throw notFound('checkpoint', checkpointId)
  return owner
}

const readTarget = async (
  client: pg.ClientBase,
  { tenantId, sessionId, checkpointId }: { tenantId: string; sessionId: string; checkpointId: string },
): Promise<RewindTarget> => {
  const { rows } = await client.query<{ target: Omit<RewindTarget, 'checkpointId'> | null }>(
    'select read_rewind_target($1, $2, $3) as target',
    [tenantId, sessionId, checkpointId],
  )
  const target = rows[0]?.target ?? null
  if (target === null) throw notFound('checkpoint', checkpointId)
  return { ...target, checkpointId }
}

const refuseSpoiltFiles = ({ checkpointId, problem, origin }: RewindTarget): void => {
  if (problem !== null)
    throw new PlatformError('CONFLICT', `The files of checkpoint ${checkpointId} can't be used any more: ${problem}.`, { status: 'FAILED' })
  if (origin !== null && origin.engineId === null && !origin.hasArchive)
    throw new PlatformError('UNAVAILABLE', `The files of checkpoint ${checkpointId} lie on an engine whose workers do not answer.`)
}

const readCurrentContext = async (
  client: pg.ClientBase,
  of: { tenantId: string; sessionId: string; threadId: string },
): Promise<LogEvent[]> => {
  const { rows } = await client.query<{ from: number }>('select context_from_seq as from from thread where id = $1', [of.threadId])
  return readContextOf(client, { ...of, fromSeq: rows[0]?.from ?? 1 })
}
