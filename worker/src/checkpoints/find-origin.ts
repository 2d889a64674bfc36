import { readRestorePoints } from '@longhaul/core/src/checkpoints/restore-points.ts'
import type { TurnParts } from '../turn/stretch.ts'

/** What a new sandbox is made from: a checkpoint's image, or its archive where `imageId` is null. */
export type Origin = { checkpointId: string; seq: number; imageId: string | null; snapshotId: string | null }

/**
 * The newest checkpoint whose files can be had here: by its image where this engine has it, which is trusted, else by its archive, which
 * is verified. Null where there is none: the session's resources are put in anew. `checkpointId`: as they were there.
 */
export const findOrigin = async (
  { db, sandboxes }: Pick<TurnParts, 'db'> & { sandboxes: Pick<TurnParts['sandboxes'], 'provider'> },
  of: { tenantId: string; sessionId: string; checkpointId?: string | null },
): Promise<Origin | null> => {
  const { provider } = sandboxes
  const engineId = await provider.engineId()
  for (const { id, seq, imageId, snapshotId, ...point } of await readRestorePoints(db, of)) {
    const here = imageId !== null && point.engineId === engineId && provider.images !== null && (await provider.images.has(imageId))
    if (here) return { checkpointId: id, seq, imageId, snapshotId }
    if (snapshotId !== null) return { checkpointId: id, seq, imageId: null, snapshotId }
  }
  return null
}
