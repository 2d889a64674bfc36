import { setTimeout as sleep } from 'node:timers/promises'
import type { Unarchived } from '@longhaul/core/src/checkpoints/find-asked-checkpoints.ts'
import { attachSnapshot } from '@longhaul/core/src/checkpoints/restore-points.ts'
import type { TurnParts } from '../turn/stretch.ts'
import { storeWorkspace } from './keep-files.ts'

/** Two at a time: archives are read beside the tools of running sessions. */
const MAX_AT_ONCE = 2
const LOOK_MS = 50
let running = 0
const atWork = new Set<Promise<void>>()

/**
 * Stores the workspace of a checkpoint that is whole already, from its image, so that any engine can restore it. Nobody waits for it;
 * where it fails or its worker dies, it is found and stored later.
 */
export const archiveCheckpoint = (...of: Parameters<typeof archive>): Promise<void> => {
  const archiving = archive(...of).finally(() => atWork.delete(archiving))
  atWork.add(archiving)
  return archiving
}

/** Resolves once all that this process has begun to store is stored or given up. */
export const archivesSettled = async (): Promise<void> => {
  await Promise.allSettled(atWork)
}

const archive = async (
  parts: Pick<TurnParts, 'db' | 'snapshots' | 'sandboxes' | 'logger' | 'atPoint'>,
  { id, tenantId, sessionId, imageId }: Unarchived,
): Promise<void> => {
  const { images } = parts.sandboxes.provider
  if (images === null) return
  while (running >= MAX_AT_ONCE) await sleep(LOOK_MS, undefined, { ref: false })
  running++
  try {
    const tar = await images.read(imageId, { tenantId, sessionId, path: '/workspace' })
    if (tar === null) throw new Error('its image has no /workspace')
    const snapshotId = await storeWorkspace(parts, { tenantId, sessionId, tar })
    await attachSnapshot(parts.db, { tenantId, checkpointId: id, snapshotId })
    await parts.atPoint('checkpoint_archived')
  } catch (error) {
    parts.logger.warn({ err: error, sessionId, checkpointId: id }, "a checkpoint's workspace could not be stored yet")
  } finally {
    running--
  }
}
