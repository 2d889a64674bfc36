import type { Database } from '@longhaul/prisma/src/client.ts'
import { type AgedCheckpoint, chooseThinned } from '../checkpoints/choose-thinned.ts'
import { readRestorePoints } from '../checkpoints/restore-points.ts'

type Row = AgedCheckpoint & { sessionId: string; tenantId: string; isForked: boolean }

/** Lets checkpoints that nobody asked for go of their files as they grow old. Returns the hashes of stored bytes that they named. */
export const thinCheckpoints = async (db: Pick<Database, 'app' | 'system'>): Promise<string[]> => {
  const { rows } = await db.system.query<Row & { now: Date }>(
    `select k.id, k.tenant_id as "tenantId", k.session_id as "sessionId", k.created_at as "createdAt", k.snapshot_id is not null as "isStored",
       k.trigger not in ('CADENCE', 'SUSPEND', 'BEFORE_EVALUATION') as "isAsked", is_leaned_on(k.id) or exists (select from session f where f.forked_from_id = k.id or f.files_checkpoint_id = k.id) as "isForked", clock_timestamp() as now
     from checkpoint k where k.state = 'whole' and k.problem is null and (k.snapshot_id is not null or k.image_id is not null)
       and k.session_id in (select session_id from checkpoint where state = 'whole' and problem is null and trigger in ('CADENCE', 'SUSPEND', 'BEFORE_EVALUATION')
         and (snapshot_id is not null or image_id is not null) and created_at < clock_timestamp() - interval '1 hour' group by session_id having count(*) > 1)`,
  )
  const now = rows[0]?.now ?? new Date(0)
  const freed: string[] = []
  for (const checkpoints of Map.groupBy(rows, ({ sessionId }) => sessionId).values()) {
    const thinned = chooseThinned(
      checkpoints.map(({ isForked, ...checkpoint }) => ({ ...checkpoint, isAsked: checkpoint.isAsked || isForked })),
      now,
    )
    for (const id of thinned.length === 0 ? [] : await leaveWhatIsNeeded(db, checkpoints[0] as Row, thinned)) {
      const { rows: done } = await db.system.query<{ hash: string | null }>('select free_checkpoint_files($1) as hash', [id])
      if (done[0]?.hash) freed.push(done[0].hash)
    }
  }
  return freed
}

/** What the session would be restored from at this moment stays, wherever in time it stands, and one that is stored in case its engine is gone. */
const leaveWhatIsNeeded = async (
  db: Pick<Database, 'app'>,
  { tenantId, sessionId }: Pick<Row, 'tenantId' | 'sessionId'>,
  ids: readonly string[],
): Promise<string[]> => {
  const points = await readRestorePoints(db, { tenantId, sessionId })
  const needed = [points[0]?.id, points.find(({ snapshotId }) => snapshotId !== null)?.id]
  return ids.filter((id) => !needed.includes(id))
}
