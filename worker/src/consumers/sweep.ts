import { sweepTurns } from '@longhaul/core/src/turns/sweep-turns.ts'
import type { TurnParts } from '../turn/stretch.ts'

/** Sweeps at an interval. One worker of all does the work; a database that is away is asked again at the next beat. */
export const startSweeping = (
  { db, queue, announcer, logger }: TurnParts,
  { everyMs, moveAfterMs }: { everyMs: number; moveAfterMs: number },
): { stop(): Promise<void> } => {
  let running: Promise<void> | null = null
  const sweep = async (): Promise<void> => {
    try {
      const { wakes, presumed, failures } = await sweepTurns(db, { moveAfterMs })
      queue.send(wakes)
      for (const head of presumed) announcer.announceHead(head)
      if (presumed.length > 0) logger.warn({ calls: presumed.length }, 'calls of dead workers count at what was reserved for them')
      if (failures.length > 0) logger.error({ err: failures[0], calls: failures.length }, 'calls of dead workers could not be presumed')
    } catch (error) {
      logger.warn({ err: error }, 'the sweep could not run')
    }
  }
  const timer = setInterval(() => {
    running ??= sweep().finally(() => (running = null))
  }, everyMs)
  return {
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}
