/** The api as a process: any number of them, behind any load balancer. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, readConfigOrExit } from '@longhaul/core/src/config.ts'
import { openAnnouncer } from '@longhaul/core/src/log/open-announcer.ts'
import { createLogger, type Logger } from '@longhaul/core/src/logger.ts'
import { createWakeQueue } from '@longhaul/core/src/queue/bullmq-wake-queue.ts'
import { forgetOldKeys } from '@longhaul/core/src/tenants/answer-once.ts'
import { ensureOperatorKey } from '@longhaul/core/src/tenants/ensure-operator-key.ts'
import { createKeyring } from '@longhaul/core/src/tenants/keyring.ts'
import { type Database, openDatabase } from '@longhaul/prisma/src/client.ts'
import { startApi } from './server.ts'

/** Between attempts while the database is not there yet. */
const RETRY_MS = 1_000
const FORGET_KEYS_MS = 3_600_000
/** Whatever still runs after this much draining is cut off. */
const DRAIN_MS = 15_000

const config = readConfigOrExit()
const logger = createLogger({ name: 'api', level: config.logLevel })
const db = openDatabase({
  url: config.databaseUrl,
  onConnectionError: (error) => logger.warn({ err: error }, 'a database connection was lost'),
})

await prepareOperator(db, config, logger)
const redisUrl = config.redisUrl ?? null
const announcer = openAnnouncer({ databaseUrl: config.databaseUrl, redisUrl }, logger)
const queue = createWakeQueue(redisUrl === null ? { kind: 'postgres', url: config.databaseUrl } : { kind: 'redis', url: redisUrl }, logger)
const keyring = createKeyring({ db, operatorKey: config.operatorKey, logger })
const git = { allowedPrivateHosts: config.gitAllowedPrivateHosts, caFile: config.gitCaFile ?? null }

const api = await startApi({ db, announcer, queue, keyring, git, logger }, { host: config.host, port: config.port })
logger.info({ url: api.url }, 'the api listens')

const forgetting = setInterval(() => {
  forgetOldKeys(db).catch((error) => logger.warn({ err: error }, 'old idempotency keys could not be removed; it is tried again'))
}, FORGET_KEYS_MS)

let stopping = false
const stop = async (): Promise<void> => {
  if (stopping) return
  stopping = true
  setTimeout(() => process.exit(1), DRAIN_MS).unref()
  clearInterval(forgetting)
  await api.stop()
  await queue.flush()
  await announcer.flush()
  await Promise.allSettled([queue.close(), announcer.close()])
  await db.close()
}
process.on('SIGTERM', () => void stop())
process.on('SIGINT', () => void stop())

/** Waits for the database; shows the operator's key where it had to be made, this once. */
async function prepareOperator(database: Database, { operatorKey }: Config, log: Logger): Promise<void> {
  for (;;) {
    try {
      const made = operatorKey === undefined ? await ensureOperatorKey(database) : null
      if (made !== null) process.stderr.write(`The operator's key, shown this once: ${made}\n`)
      return
    } catch (error) {
      log.warn({ err: error }, 'the database can not be used yet: is it there, and migrated (npm run migrate)?')
      await sleep(RETRY_MS)
    }
  }
}
