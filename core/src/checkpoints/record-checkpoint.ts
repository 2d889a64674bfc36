import type { Database } from '@longhaul/prisma/src/client.ts'
import type { NewEvent } from '../events/event.ts'
import { retrySerialization, toRow } from '../log/append-events.ts'
import type { CheckpointContext, KeptFiles } from './checkpoint.ts'

export type RecordCheckpoint = {
  tenantId: string
  checkpointId: string
  taken: { epoch: number; seq: number; context: CheckpointContext } & KeptFiles
  /** Events that are true from the same moment on. */
  more?: NewEvent[]
}

/**
 * Makes a checkpoint whole, once its files are. Refused where the thread was claimed since it was begun: the files may be of a later
 * moment than the position. The caller announces the head.
 */
export const recordCheckpoint = async (
  db: Pick<Database, 'app'>,
  { tenantId, checkpointId, taken, more = [] }: RecordCheckpoint,
): Promise<{ refused: 'not_found' | 'stale_epoch' | 'not_taking' } | { refused?: undefined; sessionId: string; head: number }> => {
  const files = taken.imageId !== null ? 'image' : taken.snapshotId !== null ? 'archive' : 'none'
  const { rows } = await retrySerialization(() =>
    db.app.query<{ result: { refused: 'not_found' | 'stale_epoch' | 'not_taking' } | { sessionId: string; head: number } }>(
      'select record_checkpoint($1, $2, $3::jsonb, $4::jsonb) as result',
      [tenantId, checkpointId, JSON.stringify({ ...taken, files }), JSON.stringify(more.map(toRow))],
    ),
  )
  return (rows[0] as (typeof rows)[number]).result
}

/**
 * It was begun under this lease and will not become whole. With `again` a person's wish is asked for anew; the platform's own are not. Returns
 * what it is from now on: whole where an answer that was lost had made it so.
 */
export const failCheckpoint = async (
  db: Pick<Database, 'app'>,
  of: { tenantId: string; checkpointId: string; workerId: string; problem: string; again: boolean },
): Promise<string | null> => {
  const { rows } = await db.app.query<{ state: string | null }>('select fail_checkpoint($1, $2, $3, $4, $5) as state', [
    of.tenantId,
    of.checkpointId,
    of.workerId,
    of.problem.slice(0, 2_000),
    of.again,
  ])
  return rows[0]?.state ?? null
}
