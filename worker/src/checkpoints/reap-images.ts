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
  const unwanted = await thinCheckpoints(
    db,
    found.map(({ checkpointId }) => checkpointId),
  )
  for (const { checkpointId, sessionId } of found) {
    if (!unwanted.has(checkpointId)) continue
    logger.info({ checkpointId, sessionId }, 'letting go of an image that nobody can go back to')
    await images.remove(checkpointId)
  }
}

/** Those that nobody can go back to, and that nobody will from now on: what a fork that begins meanwhile finds is said in the row first. */
const thinCheckpoints = async (db: Pick<Database, 'system'>, checkpointIds: string[]): Promise<Set<string>> => {
  const { rows } = await db.system.query<{ id: string }>('select thin_checkpoints($1, $2) as id', [checkpointIds, KEPT_OF_OWN])
  return new Set(rows.map(({ id }) => id))
}
