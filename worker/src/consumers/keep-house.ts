import { keepHouse } from '@longhaul/core/src/housekeeping/keep-house.ts'
import type { TurnParts } from '../turn/stretch.ts'

const THOROUGH_EVERY = 10

/** One worker of all does the work; what a pass has not come to, or failed at, is the next one's. */
export const startKeepingHouse = (
  { db, snapshots, logger }: Pick<TurnParts, 'db' | 'snapshots' | 'logger'>,
  everyMs: number,
): { stop(): Promise<void> } => {
  let passes = 0
  let running: Promise<void> | null = null
  const keep = async (): Promise<void> => {
    try {
      await keepHouse({ db, snapshots, logger }, { thorough: passes++ % THOROUGH_EVERY === 0 })
    } catch (error) {
      logger.warn({ err: error }, 'what goes for good could not be removed yet')
    }
  }
  const timer = setInterval(() => {
    running ??= keep().finally(() => (running = null))
  }, everyMs)
  return {
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}
