import type pg from 'pg'
import { notFound, PlatformError } from '../errors.ts'
import { createId } from '../ids.ts'
import { type CoreParts, inTransaction } from '../sessions/change-session.ts'
import { awaitLook } from './await-look.ts'
import type { DiffPage, FileDiff } from './file-look.ts'
import { requireCheckpoint } from './require-checkpoint.ts'

/** Both workspaces are read through, a gigabyte each at worst. */
const PATIENCE_MS = 60_000

/** One session's files: at a checkpoint of its own or an inherited one, at its start, or now. */
export type DiffSide = { sessionId: string; at: 'start' | 'now' | { checkpointId: string } }

/**
 * What must change in one workspace to make it another, by path. A worker reads both where they lie, and nothing is woken for it. Throws
 * NOT_FOUND for a session or checkpoint that is not the tenant's, UNAVAILABLE where no worker can reach both or none answers.
 */
export const askForDiff = async (
  parts: CoreParts,
  { tenantId, from, to, page }: { tenantId: string; from: DiffSide; to: DiffSide; page: DiffPage },
): Promise<{ changes: FileDiff[]; more: boolean }> => {
  const asked = await ask(parts, { tenantId, from, to, page })
  if (asked === null) return { changes: [], more: false }
  parts.announcer.announceFileLook(asked.engineId)
  const answer = await awaitLook(parts, { tenantId, sessionId: to.sessionId, id: asked.id, patienceMs: PATIENCE_MS })
  if ('changes' in answer) return answer
  throw new PlatformError(
    'UNAVAILABLE',
    'problem' in answer && answer.problem === 'elsewhere'
      ? `The files of sessions ${from.sessionId} and ${to.sessionId} lie on two engines. They can be compared once both are at rest and stored.`
      : `The files of session ${to.sessionId} could not be read.`,
  )
}

type Known = { engineId: string | null; hasFiles: boolean }

/** Null where neither side was ever put anywhere: nothing can differ. */
const ask = (
  parts: CoreParts,
  { tenantId, from, to, page }: { tenantId: string; from: DiffSide; to: DiffSide; page: DiffPage },
): Promise<{ id: string; engineId: string } | null> =>
  inTransaction(parts.db, async (client) => {
    await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
    const [before, after] = [await findFiles(client, tenantId, from), await findFiles(client, tenantId, to)]
    if (!before.hasFiles && !after.hasFiles) return null
    const engineId = after.engineId ?? before.engineId ?? (await findEngine(client))
    if (engineId === null) throw new PlatformError('UNAVAILABLE', 'No worker answers.')
    const id = createId('flk')
    const against = { sessionId: from.sessionId, checkpointId: checkpointOf(from), start: from.at === 'start', ...page }
    await client.query(
      `insert into file_look (id, tenant_id, session_id, engine_id, op, path, checkpoint_id, against) values ($1, $2, $3, $4, 'diff', '/workspace', $5, $6)`,
      [id, tenantId, to.sessionId, engineId, checkpointOf(to), JSON.stringify(against)],
    )
    return { id, engineId }
  })

const checkpointOf = ({ at }: DiffSide): string | null => (typeof at === 'object' ? at.checkpointId : null)

const findFiles = async (client: pg.ClientBase, tenantId: string, side: DiffSide): Promise<Known> => {
  const { sessionId } = side
  const { rows } = await client.query<Known>(
    `select wake_engine(engine_id) as "engineId", sandbox_id is not null or baseline_snapshot_id is not null or jsonb_array_length(read_restore_points($2, id, null)) > 0 as "hasFiles"
     from session where id = $1 and tenant_id = $2 and deleted_at is null`,
    [sessionId, tenantId],
  )
  const [known] = rows
  if (known === undefined) throw notFound('session', sessionId)
  const checkpointId = checkpointOf(side)
  if (checkpointId !== null) await requireCheckpoint(client, { sessionId, checkpointId })
  return known
}

const findEngine = async (client: pg.ClientBase): Promise<string | null> => {
  const { rows } = await client.query<{ id: string }>(
    'select engine_id as id from lease where engine_id is not null and expires_at > clock_timestamp() limit 1',
  )
  return rows[0]?.id ?? null
}
