/** The api as a process: any number of them, behind any load balancer. */
import { awaitDatabase } from '@longhaul/core/src/await-database.ts'
import { openSnapshotStore } from '@longhaul/core/src/checkpoints/open-snapshot-store.ts'
import { claimStore, ForeignStoreError } from '@longhaul/core/src/checkpoints/store-marker.ts'
import { type Config, readConfigOrExit } from '@longhaul/core/src/config.ts'
import { toFileLimits } from '@longhaul/core/src/files/file-limits.ts'
import { openAnnouncer } from '@longhaul/core/src/log/open-announcer.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { countOpenTurns } from '@longhaul/core/src/metrics/count-open-turns.ts'
import { serveMetrics } from '@longhaul/core/src/metrics/serve-metrics.ts'
import { createWakeQueue } from '@longhaul/core/src/queue/bullmq-wake-queue.ts'
import { forgetOldKeys } from '@longhaul/core/src/tenants/answer-once.ts'
import { ensureOperatorKey } from '@longhaul/core/src/tenants/ensure-operator-key.ts'
import { createKeyring } from '@longhaul/core/src/tenants/keyring.ts'
import { findDueTurns } from '@longhaul/core/src/turns/find-due-turns.ts'
import { type Database, openDatabase } from '@longhaul/prisma/src/client.ts'
import { startApi } from './server.ts'

const FORGET_KEYS_MS = 3_600_000
/** Whatever still runs after this much draining is cut off. */
const DRAIN_MS = 15_000

const config = readConfigOrExit()
const logger = createLogger({ name: 'api', level: config.logLevel })
const db = openDatabase({
  url: config.databaseUrl,
  // The driver hangs the whole client on its error: only its words are logged.
  onConnectionError: ({ message }) => logger.warn({ reason: message }, 'a database connection was lost'),
})

await awaitDatabase(db, { production: config.nodeEnv === 'production', logger }).catch(refuse)
await prepareOperator(db, config)
const redisUrl = config.redisUrl ?? null
const announcer = openAnnouncer({ databaseUrl: config.databaseUrl, redisUrl, redisPrefix: config.redisPrefix }, logger)
const queue = createWakeQueue(
  redisUrl === null
    ? { kind: 'postgres', url: config.databaseUrl, findDue: (turnIds) => findDueTurns(db, turnIds) }
    : { kind: 'redis', url: redisUrl, prefix: config.redisPrefix },
  logger,
)
const keyring = createKeyring({ db, operatorKey: config.operatorKey, logger })
const git = { allowedPrivateHosts: config.gitAllowedPrivateHosts, caFile: config.gitCaFile ?? null }
const [snapshots, files] = [openSnapshotStore(config), toFileLimits(config)]
await claimStore({ db, snapshots }).catch((error: unknown) => {
  if (error instanceof ForeignStoreError) refuse(error)
  logger.warn({ err: error }, 'the snapshot store could not be asked yet')
})

const api = await startApi({ db, announcer, queue, keyring, git, snapshots, files, logger }, { host: config.host, port: config.port })
logger.info({ url: api.url }, 'the api listens')

countOpenTurns(db, logger)
const metrics = await serveMetrics(config, logger)

const forgetting = setInterval(() => {
  forgetOldKeys(db).catch((error) => logger.warn({ err: error }, 'old idempotency keys could not be removed; it is tried again'))
}, FORGET_KEYS_MS)

let stopping = false
const stop = async (): Promise<void> => {
  if (stopping) return
  stopping = true
  setTimeout(() => process.exit(1), DRAIN_MS).unref()
  clearInterval(forgetting)
  await Promise.all([api.stop(), metrics?.stop()])
  await queue.flush()
  await announcer.flush()
  await Promise.allSettled([queue.close(), announcer.close()])
  await db.close()
}
process.on('SIGTERM', () => void stop())
process.on('SIGINT', () => void stop())

/** Shows the operator's key where it had to be made, this once. */
async function prepareOperator(database: Database, { operatorKey }: Config): Promise<void> {
  const made = operatorKey === undefined ? await ensureOperatorKey(database) : null
  if (made !== null) process.stderr.write(`The operator's key, shown this once: ${made}\n`)
}

function refuse(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
