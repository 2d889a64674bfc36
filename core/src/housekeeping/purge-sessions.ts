import type { HouseParts } from './house-parts.ts'

/** A worker may still be in the middle of a call of it, or a fork of it be about to commit. */
const GRACE = "interval '1 minute'"
const MAX_PER_PASS = 200

type Deleted = { id: string; deletedAt: string }

/**
 * Rows of deleted sessions go, each in a transaction of its own. Returns the hashes of stored bytes that they named. One that can't go yet is
 * the next pass's again, and keeps no other from going, not even where there are many of its kind.
 */
export const purgeSessions = async ({ db, logger }: Pick<HouseParts, 'db' | 'logger'>): Promise<string[]> => {
  const freed: string[] = []
  let purged = 0
  for (
    let page = await findDeleted(db, null);
    page.length > 0 && purged < MAX_PER_PASS;
    page = await findDeleted(db, page.at(-1) ?? null)
  ) {
    for (const { id } of page) {
      try {
        const { rows } = await db.system.query<{ hashes: string[] | null }>('select purge_session($1) as hashes', [id])
        const hashes = rows[0]?.hashes ?? null
        if (hashes !== null) purged++
        freed.push(...(hashes ?? []))
      } catch (error) {
        logger.error({ err: error, sessionId: id }, 'a deleted session could not be removed: it is tried again')
      }
    }
  }
  return freed
}

const findDeleted = async (db: HouseParts['db'], after: Deleted | null): Promise<Deleted[]> => {
  const { rows } = await db.system.query<Deleted>(
    `select s.id, s.deleted_at::text as "deletedAt" from session s where s.deleted_at < clock_timestamp() - ${GRACE}
       and ($1::timestamptz is null or (s.deleted_at, s.id) > ($1::timestamptz, $2))
       and not exists (select from log_segment g where g.source_session_id = s.id) order by s.deleted_at, s.id limit ${MAX_PER_PASS}`,
    [after?.deletedAt ?? null, after?.id ?? null],
  )
  return rows
}
