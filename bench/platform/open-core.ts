import { openAnnouncer } from '@longhaul/core/src/log/open-announcer.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { createWakeQueue } from '@longhaul/core/src/queue/bullmq-wake-queue.ts'
import type { CoreParts } from '@longhaul/core/src/sessions/change-session.ts'
import { findDueTurns } from '@longhaul/core/src/turns/find-due-turns.ts'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'

export type OpenCore = CoreParts & {
  /** When the newest commit that woke a turn had returned, on this process's clock. */
  wokenAt(): number
  close(): Promise<void>
}

/** What the api has of core: the announcer and the wake queue on Postgres, in this process. */
export const openCore = (test: TestDatabase): OpenCore => {
  const logger = createLogger({ name: 'bench', level: 'error' })
  const announcer = openAnnouncer({ databaseUrl: test.url, redisUrl: null }, logger)
  const queue = createWakeQueue({ kind: 'postgres', url: test.url, findDue: (turnIds) => findDueTurns(test.db, turnIds) }, logger)
  let wokenAt = 0
  return {
    db: test.db,
    announcer,
    // The first thing that happens after a commit is that its wakes are sent.
    queue: {
      ...queue,
      send: (wakes) => {
        wokenAt = performance.now()
        queue.send(wakes)
      },
    },
    wokenAt: () => wokenAt,
    close: async () => {
      await Promise.all([announcer.close(), queue.close()])
    },
  }
}
