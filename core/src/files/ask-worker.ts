import { notFound } from '../errors.ts'
import { createId } from '../ids.ts'
import { type CoreParts, inTransaction } from '../sessions/change-session.ts'
import type { FileLookOp } from './file-look.ts'
import { requireCheckpoint } from './require-checkpoint.ts'

export type AskWorker = {
  tenantId: string
  sessionId: string
  op: FileLookOp
  path: string
  checkpointId?: string | null
}

/** Null where neither a sandbox nor a checkpoint holds the files: they are the resources. */
export const askWorker = async (parts: CoreParts, look: AskWorker): Promise<{ id: string } | null> => {
  const asked = await inTransaction(parts.db, async (client) => {
    const { tenantId, sessionId, op, path } = look
    await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
    const checkpointId = look.checkpointId ?? null
    if (checkpointId !== null) await requireCheckpoint(client, { sessionId, checkpointId })
    const { rows } = await client.query<{ engine_id: string | null; has_files: boolean }>(
      `select coalesce(wake_engine(engine_id), (select engine_id from lease where engine_id is not null and expires_at > clock_timestamp() limit 1)) as engine_id,
         ($3::text is null and sandbox_id is not null)
           or jsonb_array_length(read_restore_points($2, id, $3)) > 0 as has_files
       from session where id = $1 and deleted_at is null`,
      [sessionId, tenantId, checkpointId],
    )
    const [session] = rows
    if (session === undefined) throw notFound('session', sessionId)
    if (session.engine_id === null || !session.has_files) return null
    const id = createId('flk')
    await client.query(
      'insert into file_look (id, tenant_id, session_id, engine_id, op, path, checkpoint_id) values ($1, $2, $3, $4, $5, $6, $7)',
      [id, tenantId, sessionId, session.engine_id, op, path, checkpointId],
    )
    return { id, engineId: session.engine_id }
  })
  if (asked !== null) parts.announcer.announceFileLook(asked.engineId)
  return asked
}
