import type { NewEvent } from '@longhaul/core/src/events/event.ts'
import { createId } from '@longhaul/core/src/ids.ts'
import { beginTaking, type TakingParts } from './take-checkpoint.ts'

export type Suspendable = { tenantId: string; sessionId: string; sandboxId: string; image: string }

/**
 * A sandbox that has long had nothing to do becomes an image: its whole file system is kept, and the container is gone with the memory,
 * the layer's mount and the name it took. The next tool call makes one from the image. False where a turn has begun meanwhile: then
 * nothing has happened.
 */
export const suspendSession = async (
  parts: TakingParts,
  workerId: string,
  { tenantId, sessionId, sandboxId, image }: Suspendable,
): Promise<boolean> => {
  const { provider } = parts.sandboxes
  const engineId = await provider.engineId()
  const id = createId('ckp')
  const taking = await beginTaking(parts, { tenantId, sessionId, epoch: null, workerId, checkpoint: { id, trigger: 'SUSPEND' } })
  if (taking === null) return false
  const { seq } = taking.begun
  const suspended = ({ imageId }: { imageId: string | null }): NewEvent[] =>
    imageId === null
      ? []
      : [
          {
            type: 'sandbox.state',
            actor: 'platform',
            payload: {
              state: 'SUSPENDED',
              sandboxId: null,
              provider: provider.name,
              engineId,
              image,
              isolated: provider.isolated,
              checkpointId: id,
              checkpointSeq: seq,
              kept: 'everything',
            },
          },
        ]
  if (!(await taking.finish(suspended))) return false
  // From here on the log knows no sandbox of it: whoever opens one makes it from the checkpoint. Should this worker die, the reaper removes it.
  await provider.removeById(sandboxId)
  return true
}
