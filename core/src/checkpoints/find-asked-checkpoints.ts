import type { Database } from '@longhaul/prisma/src/client.ts'

/** `holderId`: the worker that runs the session's turn at this moment. */
export type AskedCheckpoint = { id: string; tenantId: string; sessionId: string; holderId: string | null }

/** What is asked for of sessions whose files one engine holds, or that have none yet, or whose engine is gone; what dead workers were taking among it. */
export const findAskedCheckpoints = async (db: Pick<Database, 'system'>, engineId: string): Promise<AskedCheckpoint[]> => {
  await db.system.query('select free_checkpoints()')
  const { rows } = await db.system.query<AskedCheckpoint>({
    name: 'find_asked_checkpoints',
    text: `select k.id, k.tenant_id as "tenantId", k.session_id as "sessionId", c.worker_id as "holderId"
      from checkpoint k join session s on s.id = k.session_id join claim c on c.thread_id = k.thread_id
      where k.state = 'asked' and s.deleted_at is null and (s.engine_id is null or s.engine_id = $1 or engine_gone(s.engine_id)) order by k.created_at limit 50`,
    values: [engineId],
  })
  return rows
}

export type Unarchived = { id: string; tenantId: string; sessionId: string; imageId: string }

/**
 * The oldest whole checkpoints whose image is on this engine and whose workspace is not in the store yet, though there was time: their worker
 * died. `except`: who asks has tried these.
 */
export const findUnarchived = async (
  db: Pick<Database, 'system'>,
  { engineId, olderThanMs, except = [] }: { engineId: string; olderThanMs: number; except?: readonly string[] },
): Promise<Unarchived[]> => {
  const { rows } = await db.system.query<Unarchived>({
    name: 'find_unarchived',
    text: `select id, tenant_id as "tenantId", session_id as "sessionId", image_id as "imageId" from checkpoint
      where state = 'whole' and engine_id = $1 and image_id is not null and snapshot_id is null
        and created_at < clock_timestamp() - $2 * interval '1 millisecond' and id <> all ($3) order by created_at limit 10`,
    values: [engineId, olderThanMs, except],
  })
  return rows
}
