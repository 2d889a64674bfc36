import type { Database } from '@longhaul/prisma/src/client.ts'

/** A worker may still be in the middle of a call of it, or a fork of it be about to commit. */
const GRACE = "interval '1 minute'"
const MAX_PER_PASS = 200

/** Rows of deleted sessions go, each in a transaction of its own. Returns the hashes of stored bytes that they named. */
export const purgeSessions = async (db: Pick<Database, 'system'>): Promise<string[]> => {
  const { rows } = await db.system.query<{ id: string }>(
    `select s.id from session s where s.deleted_at < clock_timestamp() - ${GRACE}
       and not exists (select from log_segment g where g.source_session_id = s.id) order by s.deleted_at limit ${MAX_PER_PASS}`,
  )
  const freed: string[] = []
  for (const { id } of rows) {
    const purged = await db.system.query<{ hashes: string[] | null }>('select purge_session($1) as hashes', [id])
    freed.push(...(purged.rows[0]?.hashes ?? []))
  }
  return freed
}
