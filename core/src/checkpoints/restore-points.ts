import type { Database } from '@longhaul/prisma/src/client.ts'
import type { RestorePoint } from './checkpoint.ts'

/**
 * What a session's files can be restored from, newest first: its own checkpoints, then those it inherits from whom it was forked, but none
 * that was undone. `checkpointId`: as they were there.
 */
export const readRestorePoints = async (
  db: Pick<Database, 'app'>,
  { tenantId, sessionId, checkpointId = null }: { tenantId: string; sessionId: string; checkpointId?: string | null },
): Promise<RestorePoint[]> => {
  const { rows } = await db.app.query<{ points: RestorePoint[] }>('select read_restore_points($1, $2, $3) as points', [
    tenantId,
    sessionId,
    checkpointId,
  ])
  return rows[0]?.points ?? []
}

/** The archive of its workspace is stored: from now on any engine can restore it. False where another was first. */
export const attachSnapshot = async (
  db: Pick<Database, 'app'>,
  { tenantId, checkpointId, snapshotId }: { tenantId: string; checkpointId: string; snapshotId: string },
): Promise<boolean> => {
  const { rows } = await db.app.query<{ attached: boolean }>('select attach_snapshot($1, $2, $3) as attached', [
    tenantId,
    checkpointId,
    snapshotId,
  ])
  return rows[0]?.attached ?? false
}

/** Its files are not those that were stored: it is never used again, the one before it is. */
export const condemnCheckpoint = async (
  db: Pick<Database, 'app'>,
  { tenantId, checkpointId, problem }: { tenantId: string; checkpointId: string; problem: string },
): Promise<void> => {
  await db.app.query('select condemn_checkpoint($1, $2, $3)', [tenantId, checkpointId, problem.slice(0, 2_000)])
}
