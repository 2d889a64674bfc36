import { sweepTurns } from '@longhaul/core/src/turns/sweep-turns.ts'
import type { TurnParts } from '../turn/stretch.ts'
import { createRest } from './rest.ts'

/** Sweeps at an interval. One worker of all does the work; a database that is away is asked again after a rest. */
export const startSweeping = (
  { db, queue, announcer, logger }: TurnParts,
  { everyMs, moveAfterMs }: { everyMs: number; moveAfterMs: number },
): { stop(): Promise<void> } => {
  let running: Promise<void> | null = null
  const rest = createRest()
  const sweep = async (): Promise<void> => {
    try {
      const { wakes, presumed, failures } = await sweepTurns(db, { moveAfterMs })
      rest.worked()
      queue.send(wakes)
      for (const head of presumed) announcer.announceHead(head)
      if (presumed.length > 0) logger.warn({ calls: presumed.length }, 'calls of dead workers count at what was reserved for them')
      if (failures.length > 0) logger.error({ err: failures[0], calls: failures.length }, 'calls of dead workers could not be presumed')
    } catch (error) {
      rest.failed()
      logger.warn({ err: error }, 'the sweep could not run')
    }
  }
  const timer = setInterval(() => {
    if (rest.isOver()) running ??= sweep().finally(() => (running = null))
  }, everyMs)
  return {
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}
