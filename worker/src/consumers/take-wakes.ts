import type { Logger } from '@longhaul/core/src/logger.ts'
import type { WakeConsumer, WakeQueue } from '@longhaul/core/src/queue/wake-queue.ts'

export type WakeTaker = {
  /** While the engine is emptied the database refuses this worker every claim: wakes are for others. Afterwards they are its own again. */
  drains(draining: boolean): void
  /** Takes no more for good; resolves when the turns at hand have ended. */
  stop(): Promise<void>
}

export const startTakingWakes = async (
  { queue, logger }: { queue: Pick<WakeQueue, 'consume'>; logger: Logger },
  options: Parameters<WakeQueue['consume']>[0],
): Promise<WakeTaker> => {
  let wanted = true
  let stopped = false
  let consumer: WakeConsumer | null = null
  let turning: Promise<void> | null = null
  const ending = new Set<Promise<void>>()

  const end = (ended: WakeConsumer): void => {
    const done = ended.stop().finally(() => ending.delete(done))
    ending.add(done)
  }
  const turn = async (): Promise<void> => {
    while ((wanted && !stopped) !== (consumer !== null)) {
      if (consumer === null) {
        consumer = await queue.consume(options)
      } else {
        logger.info('no further wakes are taken')
        end(consumer)
        consumer = null
      }
    }
  }
  const settle = (): Promise<void> => {
    turning ??= turn().finally(() => (turning = null))
    return turning
  }
  await settle()
  return {
    drains: (draining) => {
      wanted = !draining
      void settle().catch((error: unknown) => logger.warn({ err: error }, 'wakes could not be taken again yet'))
    },
    stop: async () => {
      stopped = true
      await settle()
      await Promise.all(ending)
    },
  }
}
