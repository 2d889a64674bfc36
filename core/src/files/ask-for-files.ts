import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { badInput, notFound, PlatformError } from '../errors.ts'
import { createId } from '../ids.ts'
import { type CoreParts, inTransaction } from '../sessions/change-session.ts'
import { readResources } from '../sessions/read-resources.ts'
import { type FileLookAnswer, MAX_FILE_BYTES, toAbsoluteWorkspacePath, toFileContent } from './file-look.ts'

/** How long a worker may take to answer, and how often the row is looked at meanwhile. */
const PATIENCE_MS = 15_000
const LOOK_MS = 40

export type AskForFiles = {
  tenantId: string
  sessionId: string
  op: 'list' | 'read'
  path: string
  /** As they were then; now when left out. */
  checkpointId?: string | null
}

/**
 * One folder's entries, or one file, as they are now or were at a checkpoint. Null where there is no such path. Throws BAD_USER_INPUT for a path outside /workspace,
 * UNAVAILABLE when no worker of the session's engine answers. Before there is a sandbox or a
 * checkpoint to make one from, it is the resources that are seen.
 */
export const askForFiles = async (parts: CoreParts, look: AskForFiles): Promise<FileLookAnswer | null> => {
  const path = toAbsoluteWorkspacePath(look.path)
  if (path === null) throw badInput('path', 'a path below /workspace, without ..')
  const asked = await ask(parts, { ...look, path })
  if (asked === null) return lookAtResources(parts, { ...look, path })
  parts.announcer.announceFileLook(asked.engineId)
  const answer = await waitForAnswer(parts, { ...look, id: asked.id })
  return 'problem' in answer ? null : answer
}

/** Null where neither a sandbox nor a checkpoint holds the files: they are the resources. */
const ask = (parts: CoreParts, look: AskForFiles): Promise<{ id: string; engineId: string } | null> =>
  inTransaction(parts.db, async (client) => {
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

/** One of the session's own checkpoints, or of those it inherits. */
const requireCheckpoint = async (
  client: pg.ClientBase,
  { sessionId, checkpointId }: { sessionId: string; checkpointId: string },
): Promise<void> => {
  const { rows } = await client.query<{ problem: string | null }>(
    `select k.problem from log_piece p join checkpoint k on k.session_id = p.source_session_id and k.seq between p.from_seq and p.to_seq
     where p.session_id = $1 and k.id = $2 and k.state = 'whole'`,
    [sessionId, checkpointId],
  )
  const [found] = rows
  if (found === undefined) throw notFound('checkpoint', checkpointId)
  if (found.problem !== null)
    throw new PlatformError('CONFLICT', `The files of checkpoint ${checkpointId} can't be had any more: ${found.problem}.`, {
      status: 'FAILED',
    })
}

const waitForAnswer = async (
  parts: CoreParts,
  { tenantId, sessionId, id }: { tenantId: string; sessionId: string; id: string },
): Promise<FileLookAnswer> => {
  const until = Date.now() + PATIENCE_MS
  while (Date.now() < until) {
    const answer = await inTransaction(parts.db, async (client) => {
      await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
      const { rows } = await client.query<{ answer: FileLookAnswer | null }>('select answer from file_look where id = $1', [id])
      return rows[0]?.answer ?? null
    })
    if (answer !== null) return answer
    await sleep(LOOK_MS)
  }
  throw new PlatformError('UNAVAILABLE', `No worker of the engine that holds the files of session ${sessionId} answers.`)
}

const lookAtResources = async (
  parts: CoreParts,
  { tenantId, sessionId, op, path }: { tenantId: string; sessionId: string; op: 'list' | 'read'; path: string },
): Promise<FileLookAnswer | null> => {
  const files = (await readResources(parts.db, { tenantId, sessionId })).flatMap((resource) =>
    resource.kind === 'FILE' ? [{ path: toAbsoluteWorkspacePath(resource.path) ?? '', content: resource.content }] : [],
  )
  if (op === 'read') {
    const file = files.findLast((candidate) => candidate.path === path)
    return file === undefined ? null : { file: toFileContent(path, file.content.subarray(0, MAX_FILE_BYTES), file.content.length) }
  }
  const modifiedAt = new Date(0).toISOString()
  const names = new Map<string, { path: string; kind: 'FILE' | 'DIRECTORY'; sizeBytes: number; mode: string; modifiedAt: string }>()
  for (const file of files) {
    if (!file.path.startsWith(`${path}/`)) continue
    const [name, ...deeper] = file.path.slice(path.length + 1).split('/')
    const entryPath = `${path}/${name}`
    names.set(
      entryPath,
      deeper.length > 0
        ? { path: entryPath, kind: 'DIRECTORY', sizeBytes: 0, mode: '0755', modifiedAt }
        : { path: entryPath, kind: 'FILE', sizeBytes: file.content.length, mode: '0644', modifiedAt },
    )
  }
  if (names.size === 0 && path !== '/workspace') return null
  return { entries: [...names.values()].sort((a, b) => (a.path < b.path ? -1 : 1)) }
}
