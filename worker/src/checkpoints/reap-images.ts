import type { Logger } from '@longhaul/core/src/logger.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { SandboxImages } from '../sandboxes/sandbox-images.ts'

/** An image this young may belong to a checkpoint that is being recorded, or was refused and is being let go of by who took it. */
const YOUNG_MS = 60_000

/** Of those that the platform took by itself, so many of a session stay: the newest to go back to, and two should it fail. */
const KEPT_OF_OWN = 3

/** Lets go of images that nobody can go back to: found by label, so that a crash between saving and recording leaves nothing behind. */
export const reapImages = async ({
  db,
  images,
  logger,
}: {
  db: Pick<Database, 'system'>
  images: SandboxImages
  logger: Logger
}): Promise<void> => {
  await images.removeUnnamed(YOUNG_MS)
  const found = (await images.list()).filter(({ createdAt }) => Date.now() - createdAt.getTime() > YOUNG_MS)
  if (found.length === 0) return
  const wanted = await findWanted(
    db,
    found.map(({ checkpointId }) => checkpointId),
  )
  for (const { checkpointId, sessionId } of found) {
    if (wanted.has(checkpointId)) continue
    logger.info({ checkpointId, sessionId }, 'letting go of an image that nobody can go back to')
    await images.remove(checkpointId)
  }
}

/**
 * Being taken, or whole and in reach: its session is there and it is one that somebody asked for or among the newest, or a fork that is
 * there may have to go back to it.
 */
const findWanted = async (db: Pick<Database, 'system'>, checkpointIds: string[]): Promise<Set<string>> => {
  const { rows } = await db.system.query<{ id: string }>(
    `select k.id from checkpoint k join session s on s.id = k.session_id
     where k.id = any($1) and (k.state = 'taking' or (k.state = 'whole' and (
       (s.deleted_at is null and (k.trigger in ('MANUAL', 'FORK') or k.id in (
         select n.id from checkpoint n where n.session_id = k.session_id and n.state = 'whole' and n.image_id is not null order by n.created_at desc limit ${KEPT_OF_OWN})))
       or exists (select from log_segment g join session f on f.id = g.session_id
         where g.source_session_id = k.session_id and f.deleted_at is null and g.to_seq = k.seq))))`,
    [checkpointIds],
  )
  return new Set(rows.map(({ id }) => id))
}
