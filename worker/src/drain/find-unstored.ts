import { readRestorePoints } from '@longhaul/core/src/checkpoints/restore-points.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'

/** Sessions that would go on from an image alone: it lies on this engine, and nobody else can be given its files. */
export const findUnstored = async (db: Pick<Database, 'app' | 'system'>, engineId: string): Promise<string[]> => {
  const { rows } = await db.system.query<{ tenantId: string; sessionId: string }>(
    `select tenant_id as "tenantId", id as "sessionId" from session
     where engine_id = $1 and deleted_at is null and status not in ('CANCELED', 'FAILED')`,
    [engineId],
  )
  const unstored: string[] = []
  for (const session of rows) {
    const [point] = await readRestorePoints(db, session)
    if (point !== undefined && point.snapshotId === null) unstored.push(session.sessionId)
  }
  return unstored
}
