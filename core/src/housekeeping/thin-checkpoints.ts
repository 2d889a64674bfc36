import type { Database } from '@longhaul/prisma/src/client.ts'
import { type AgedCheckpoint, chooseThinned, type Retention } from '../checkpoints/choose-thinned.ts'
import { readRestorePoints } from '../checkpoints/restore-points.ts'

type Row = AgedCheckpoint & { sessionId: string; tenantId: string; isForked: boolean; retention: Retention }

/**
 * Lets checkpoints that nobody asked for go of their files as they grow old, each tenant's by its own retention. Returns the hashes of
 * stored bytes that they named.
 */
export const thinCheckpoints = async (db: Pick<Database, 'app' | 'system'>): Promise<string[]> => {
  // One that is no longer young has its hour or day for itself, unless its days end.
  const { rows } = await db.system.query<Row & { now: Date }>(
    `select k.id, k.tenant_id as "tenantId", k.session_id as "sessionId", k.created_at as "createdAt", k.snapshot_id is not null as "isStored",
       k.trigger not in ('CADENCE', 'SUSPEND', 'BEFORE_EVALUATION') as "isAsked", is_leaned_on(k.id) or exists (select from session f where f.forked_from_id = k.id or f.files_checkpoint_id = k.id) as "isForked", clock_timestamp() as now,
       jsonb_build_object('allForHours', t.checkpoint_all_hours, 'hourlyForDays', t.checkpoint_hourly_days, 'dailyForDays', t.checkpoint_daily_days) as retention
     from checkpoint k join tenant t on t.id = k.tenant_id where k.state = 'whole' and k.problem is null and (k.snapshot_id is not null or k.image_id is not null)
       and k.session_id in (select o.session_id from checkpoint o join tenant u on u.id = o.tenant_id
         where o.state = 'whole' and o.problem is null and o.trigger in ('CADENCE', 'SUSPEND', 'BEFORE_EVALUATION')
           and (o.snapshot_id is not null or o.image_id is not null) and o.created_at < clock_timestamp() - make_interval(hours => u.checkpoint_all_hours)
         group by o.session_id having count(*) > 1 or max(u.checkpoint_daily_days) is not null)`,
  )
  const now = rows[0]?.now ?? new Date(0)
  const freed: string[] = []
  for (const checkpoints of Map.groupBy(rows, ({ sessionId }) => sessionId).values()) {
    const thinned = chooseThinned(
      checkpoints.map(({ isForked, retention, ...checkpoint }) => ({ ...checkpoint, isAsked: checkpoint.isAsked || isForked })),
      now,
      (checkpoints[0] as Row).retention,
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
