import { setTimeout as sleep } from 'node:timers/promises'
import { type BuildEnd, finishBuild } from '@longhaul/core/src/environments/finish-build.ts'
import { findAskedBuilds, takeBuild } from '@longhaul/core/src/environments/take-build.ts'
import { sweepBuilds } from '@longhaul/core/src/environments/wake-for-build.ts'
import { keepAsking } from '../keep-asking.ts'
import { type BuildingParts, buildSetUp, type SetUpLimits } from './build-set-up.ts'

/** A build may take all the CPU that its environment grants; turns run beside it. Others wait for their turn, or for another worker. */
const MAX_AT_ONCE = 2

const UNHEARD: BuildEnd = { state: 'asked', problem: 'its worker did not hear that it had it', retryInMs: 0, counts: false }

/**
 * Builds what sessions on this engine wait for. Looks at once when told, and every so often by itself. On stop, builds under way may end
 * within `drainMs`; others are put back for another worker.
 */
export const startServingBuilds = (
  parts: BuildingParts,
  { engineId, workerId, everyMs, limits }: { engineId: string; workerId: () => string; everyMs: number; limits: SetUpLimits },
): { lookNow(): void; stop(drainMs: number): Promise<void> } => {
  const { db, queue, logger } = parts
  const stopping = new AbortController()
  let closed = false
  const atWork = new Set<Promise<void>>()
  let running: Promise<void> | null = null
  let again = false

  const begin = async (asked: { id: string; tenantId: string }): Promise<void> => {
    const of = { ...asked, workerId: workerId() }
    const taken = await takeBuild(db, of).catch(async (error: unknown) => {
      // Only the answer may be lost: nobody would build it, for as long as this worker lives.
      await keepAsking(() => finishBuild(db, of, UNHEARD))
      throw error
    })
    if (taken === null) return
    const done: Promise<void> = buildSetUp(parts, { taken, workerId: of.workerId, limits, stopping: stopping.signal })
      // Its row says that it is being built by whom: should this worker die, or not come to its end, it is swept.
      .catch((error: unknown) => logger.error({ err: error, buildId: taken.id }, 'a build did not come to its end'))
      .finally(() => {
        atWork.delete(done)
        lookNow()
      })
    atWork.add(done)
  }
  const look = async (): Promise<void> => {
    try {
      queue.send(await sweepBuilds(db))
      const free = MAX_AT_ONCE - atWork.size
      if (parts.sandboxes.provider.setUps === null || free <= 0) return
      for (const asked of await findAskedBuilds(db, { engineId, limit: free })) await begin(asked)
    } catch (error) {
      logger.warn({ err: error }, 'builds that are asked for could not be looked for')
    }
  }
  const lookNow = (): void => {
    if (closed) return
    again = true
    running ??= (async () => {
      while (again) {
        again = false
        await look()
      }
    })().finally(() => (running = null))
  }
  const timer = setInterval(lookNow, everyMs)
  return {
    lookNow,
    stop: async (drainMs) => {
      clearInterval(timer)
      closed = true
      await running
      await Promise.race([Promise.allSettled(atWork), sleep(drainMs, undefined, { ref: false })])
      stopping.abort(new Error('the worker stops'))
      await Promise.allSettled(atWork)
    },
  }
}
