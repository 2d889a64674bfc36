/**
 * Owns what goes for good: the rows of deleted sessions, the files of checkpoints that thin out, stored bytes that nobody names, answers
 * too old to be repeated. Must never remove what somebody can still come back to. Containers and images are the worker's reaper's.
 */
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { HouseParts } from './house-parts.ts'
import { purgeSessions } from './purge-sessions.ts'
import { purgeSnapshots } from './purge-snapshots.ts'
import { removeContent, sweepStore } from './sweep-store.ts'
import { thinCheckpoints } from './thin-checkpoints.ts'

/** One pass. `thorough`: also over all checkpoints and all that the store holds, which costs a list of it. False where another worker is at it. */
export const keepHouse = async (parts: HouseParts, { thorough }: { thorough: boolean }): Promise<boolean> => {
  const { db, logger } = parts
  const client = await db.system.connect()
  try {
    const { rows } = await client.query<{ mine: boolean }>("select pg_try_advisory_lock(hashtextextended('longhaul.house', 0)) as mine")
    if (!rows[0]?.mine) return false
    try {
      // Each by itself: what one of them fails at is the next pass's, and keeps nobody from the rest.
      const attempt = async <T>(work: () => Promise<T>, otherwise: T): Promise<T> =>
        work().catch((error: unknown) => {
          logger.error({ err: error }, 'what goes for good could not be removed yet')
          return otherwise
        })
      const freed = [
        ...(await attempt(() => purgeSessions(parts), [])),
        ...(thorough ? await attempt(() => thinCheckpoints(db), []) : []),
        ...(thorough ? await attempt(() => purgeSnapshots(db), []) : []),
      ]
      for (const contentHash of new Set(freed)) await attempt(() => removeContent(parts, contentHash), undefined)
      await attempt(() => removeOldRows(db), undefined)
      if (thorough) await attempt(() => sweepStore(parts), undefined)
      if (freed.length > 0) logger.info({ snapshots: freed.length }, 'stored files that nobody can come back to are removed')
      return true
    } finally {
      await client.query("select pg_advisory_unlock(hashtextextended('longhaul.house', 0))")
    }
  } finally {
    client.release()
  }
}

/** So many a pass: a year's keys must not go in one transaction. */
const MAX_ROWS = 20_000

const removeOldRows = async (db: Pick<Database, 'system'>): Promise<void> => {
  await db.system.query(
    `delete from idempotency_key where (tenant_id, mutation, key) in (
       select tenant_id, mutation, key from idempotency_key where created_at < clock_timestamp() - interval '7 days' limit ${MAX_ROWS})`,
  )
  await db.system.query("delete from file_look where created_at < clock_timestamp() - interval '5 minutes'")
  // While a worker of an emptied one lives, forks and rewinds may still come to it: forgotten, it would never count as gone again.
  await db.system.query(
    `delete from engine e where e.gone and not engine_answers(e.id)
       and not exists (select from session s where s.engine_id = e.id and s.deleted_at is null)`,
  )
}
