import type { Database } from '@longhaul/prisma/src/client.ts'

/** Between an archive's row and its checkpoint's naming of it lie milliseconds. */
const GRACE = "interval '1 hour'"
const MAX_PER_PASS = 1_000

/**
 * Archives that no checkpoint has, and that none will: it was refused or let go of its files while they were stored, another was faster, or
 * the worker died. Returns the hashes of the stored bytes that they named.
 */
export const purgeSnapshots = async (db: Pick<Database, 'system'>): Promise<string[]> => {
  const { rows } = await db.system.query<{ hash: string }>(
    `delete from snapshot where id in (
       select n.id from snapshot n where n.kind = 'checkpoint' and n.created_at < clock_timestamp() - ${GRACE}
         and not exists (select from checkpoint k where k.snapshot_id = n.id) limit ${MAX_PER_PASS})
     returning content_hash as hash`,
  )
  return rows.map(({ hash }) => hash)
}
