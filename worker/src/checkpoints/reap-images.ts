import type { Logger } from '@longhaul/core/src/logger.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { SandboxImages } from '../sandboxes/sandbox-images.ts'

/** An image this young may belong to a checkpoint that is being recorded, or was refused and is being let go of by who took it. */
const YOUNG_MS = 60_000

/** The engine names what it saves in the same breath: nameless for longer, an image was left by a crash, or is let go of. */
const UNNAMED_MS = 10_000

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
  const all = await images.list()
  const deleted = await findDeleted(db, [...new Set(all.map(({ sessionId }) => sessionId))])
  const found = all.filter(({ createdAt, sessionId }) => Date.now() - createdAt.getTime() > YOUNG_MS || deleted.has(sessionId))
  const unwanted = await thinCheckpoints(
    db,
    found.map(({ checkpointId }) => checkpointId),
  )
  for (const { checkpointId, sessionId } of found) {
    if (!unwanted.has(checkpointId)) continue
    logger.info({ checkpointId, sessionId }, 'letting go of an image that nobody can go back to')
    await images.remove(checkpointId)
  }
  // Last: what only those were made from has lost its name long ago.
  await images.removeUnnamed(UNNAMED_MS)
}

/** Of these no checkpoint is taken any more. */
const findDeleted = async (db: Pick<Database, 'system'>, sessionIds: string[]): Promise<Set<string>> => {
  if (sessionIds.length === 0) return new Set()
  const { rows } = await db.system.query<{ id: string }>('select id from session where id = any($1) and deleted_at is not null', [
    sessionIds,
  ])
  return new Set(rows.map(({ id }) => id))
}

/** Those that nobody can go back to, and that nobody will from now on: what a fork that begins meanwhile finds is said in the row first. */
const thinCheckpoints = async (db: Pick<Database, 'system'>, checkpointIds: string[]): Promise<Set<string>> => {
  if (checkpointIds.length === 0) return new Set()
  const { rows } = await db.system.query<{ id: string }>('select thin_checkpoints($1, $2) as id', [checkpointIds, KEPT_OF_OWN])
  return new Set(rows.map(({ id }) => id))
}
