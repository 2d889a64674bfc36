import { setTimeout as sleep } from 'node:timers/promises'
import { createPostgresBackend } from 'bullmq'

const FIRST_WAIT_MS = 50
const MAX_WAIT_MS = 1_000

/**
 * BullMQ's backend on Postgres, whose question for the next job waits before it says that it failed. BullMQ itself waits after a refused
 * connection only: after one that was cut, or that the server had no room for, it asks again at once. Seen without this: up to 1,200
 * attempts to connect a second, for as long as the database was away.
 */
export const createPatientBackend = ((...given: Parameters<typeof createPostgresBackend>) => {
  const backend = createPostgresBackend(...given)
  const ask = backend.moveToActive.bind(backend)
  let failures = 0
  backend.moveToActive = async (...of) => {
    try {
      const found = await ask(...of)
      failures = 0
      return found
    } catch (error) {
      await sleep(waitMs(failures++, Math.random()), undefined, { ref: false })
      throw error
    }
  }
  return backend
}) satisfies typeof createPostgresBackend

/** Doubles, half of it by chance: workers that lost the same database do not come back in step. `random` is in [0, 1). */
const waitMs = (failures: number, random: number): number => {
  const ceiling = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 20))
  return ceiling / 2 + (ceiling / 2) * random
}
