import { setTimeout as sleep } from 'node:timers/promises'

/** Ten seconds: with the database away for longer, this worker's lease is over, and others do what it could not. */
const TRIES = 20
const REST_MS = 500

/** Asks until there is an answer, for what nobody else does while this worker lives. Throws what was wrong at last. */
export const keepAsking = async <T>(ask: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      if (tries >= TRIES) throw error
      await sleep(REST_MS)
    }
  }
}
