import type { Logger } from '../logger.ts'
import type { Announcer } from './announcer.ts'
import { createAnnouncer } from './create-announcer.ts'
import { createPostgresTransport } from './postgres-transport.ts'
import { createRedisTransport } from './redis-transport.ts'

/** Over Redis where one is set, else over the database. */
export const openAnnouncer = (
  settings: { databaseUrl: string; redisUrl: string | null; redisPrefix?: string },
  logger: Logger,
): Announcer =>
  createAnnouncer(
    settings.redisUrl === null
      ? createPostgresTransport(settings.databaseUrl, logger)
      : createRedisTransport(settings.redisUrl, logger, settings.redisPrefix),
    logger,
  )
