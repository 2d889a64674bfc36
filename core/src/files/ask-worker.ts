import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { notFound, PlatformError } from '../errors.ts'
import { createId } from '../ids.ts'
import { type CoreParts, inTransaction } from '../sessions/change-session.ts'
import type { FileLookAnswer, FileLookOp } from './file-look.ts'

/** A worker that lives takes a look at once; the row is looked at so often meanwhile. */
const TAKEN_MS = 15_000
const LOOK_MS = 40

export type AskWorker = {
  tenantId: string
  sessionId: string
  op: FileLookOp
  path: string
  checkpointId?: string | null
}

/** Null where neither a sandbox nor a checkpoint holds the files: they are the resources. */
export const askWorker = async (parts: CoreParts, look: AskWorker): Promise<{ id: string; atSeq: number | null } | null> => {
  const asked = await inTransaction(parts.db, async (client) => {
    const { tenantId, sessionId, op, path } = look
    await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
    const atSeq = look.checkpointId == null ? null : await findPosition(client, sessionId, look.checkpointId)
    const { rows } = await client.query<{ engine_id: string | null; has_files: boolean }>(
      `select coalesce(wake_engine(engine_id), (select engine_id from lease where engine_id is not null and expires_at > clock_timestamp() limit 1)) as engine_id,
         ($3::int is null and sandbox_id is not null)
           or jsonb_array_length(read_restore_points($2, id, $3)) > 0 as has_files
       from session where id = $1 and deleted_at is null`,
      [sessionId, tenantId, atSeq],
    )
    const [session] = rows
    if (session === undefined) throw notFound('session', sessionId)
    if (session.engine_id === null || !session.has_files) return null
    const id = createId('flk')
    await client.query(
      'insert into file_look (id, tenant_id, session_id, engine_id, op, path, at_seq) values ($1, $2, $3, $4, $5, $6, $7)',
      [id, tenantId, sessionId, session.engine_id, op, path, atSeq],
    )
    return { id, atSeq, engineId: session.engine_id }
  })
  if (asked !== null) parts.announcer.announceFileLook(asked.engineId)
  return asked
}

/** Of one of the session's own checkpoints, or of those it inherits. */
const findPosition = async (client: pg.ClientBase, sessionId: string, checkpointId: string): Promise<number> => {
  const { rows } = await client.query<{ seq: number; problem: string | null }>(
    `select k.seq, k.problem from log_piece p join checkpoint k on k.session_id = p.source_session_id and k.seq between p.from_seq and p.to_seq
     where p.session_id = $1 and k.id = $2 and k.state = 'whole'`,
    [sessionId, checkpointId],
  )
  const [found] = rows
  if (found === undefined) throw notFound('checkpoint', checkpointId)
  if (found.problem !== null)
    throw new PlatformError('CONFLICT', `The files of checkpoint ${checkpointId} can't be had any more: ${found.problem}.`, {
      status: 'FAILED',
    })
  return found.seq
}

/** Throws UNAVAILABLE when no worker takes the look soon, or the one that took it does not answer in `patienceMs`. */
export const waitForAnswer = async (
  parts: CoreParts,
  { tenantId, sessionId, id, patienceMs }: { tenantId: string; sessionId: string; id: string; patienceMs: number },
): Promise<FileLookAnswer> => {
  const begun = Date.now()
  for (let taken = false; Date.now() - begun < (taken ? patienceMs : Math.min(patienceMs, TAKEN_MS)); ) {
    const row = await inTransaction(parts.db, async (client) => {
      await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
      const { rows } = await client.query<{ state: string; answer: FileLookAnswer | null }>(
        'select state, answer from file_look where id = $1',
        [id],
      )
      return rows[0] ?? null
    })
    if (row?.answer) return row.answer
    taken = row?.state === 'taken'
    await sleep(LOOK_MS)
  }
  throw new PlatformError('UNAVAILABLE', `No worker of the engine that holds the files of session ${sessionId} answers.`)
}
