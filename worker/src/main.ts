/**
 * `npm run worker`: consumes wakes until it is told to stop. `npm run worker -- --drain`: empties this engine instead, and exits 0. All
 * settings come from the environment.
 */
import { awaitDatabase } from '@longhaul/core/src/await-database.ts'
import { claimStore, ForeignStoreError } from '@longhaul/core/src/checkpoints/store-marker.ts'
import { readConfigOrExit } from '@longhaul/core/src/config.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { serveMetrics } from '@longhaul/core/src/metrics/serve-metrics.ts'
import { drainEngine } from './drain/drain-engine.ts'
import { countSandboxes } from './metrics/count-sandboxes.ts'
import { openParts } from './open-parts.ts'
import { startWorker } from './start-worker.ts'

const config = readConfigOrExit()
const logger = createLogger({ name: 'worker', level: config.logLevel })
const parts = await openParts(config, logger)
await awaitDatabase(parts.db, { production: config.nodeEnv === 'production', logger }).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
await claimStore(parts).catch(refuseForeign)

if (process.argv.includes('--drain')) {
  let isEmpty = false
  try {
    const { stored, failed } = await drainEngine(parts, { leaseMs: config.leaseMs, renewMs: config.leaseRenewMs })
    isEmpty = failed.length === 0
    logger.info({ stored, failed }, 'the engine is empty: its sessions go on anywhere')
  } catch (error) {
    logger.error({ err: error }, 'the engine could not be emptied')
  }
  await parts.close()
  process.exit(isEmpty ? 0 : 1)
}
const worker = await startWorker(parts, {
  concurrency: config.workerConcurrency,
  leaseMs: config.leaseMs,
  renewMs: config.leaseRenewMs,
  sweepMs: config.sweepMs,
  moveAfterMs: config.moveAfterMs,
  reapMs: config.reapMs,
  houseMs: 60_000,
  suspendMs: config.sandboxSuspendMs,
  setUp: { timeoutMs: config.setupTimeoutMs, maxMb: config.setupMaxMb },
  drainMs: config.drainMs,
  downloads: { maxBytes: config.downloadMaxMb * 1_048_576, keepMs: config.downloadKeepMs },
})

countSandboxes(parts.sandboxes.provider, logger)
const metrics = await serveMetrics(config, logger)

let stopping = false
const stop = async (signal: string): Promise<void> => {
  if (stopping) return
  stopping = true
  logger.info({ signal }, 'stopping: turns at hand may end')
  await worker.stop()
  await metrics?.stop()
  await parts.close()
  process.exit(0)
}
process.on('SIGTERM', () => void stop('SIGTERM'))
process.on('SIGINT', () => void stop('SIGINT'))
process.on('unhandledRejection', (error) => logger.error({ err: error }, 'a promise was rejected and nobody listened'))

/** A store that can't be asked now may be the right one: only one that has answered is refused. */
function refuseForeign(error: unknown): void {
  if (error instanceof ForeignStoreError) {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
  logger.warn({ err: error }, 'the snapshot store could not be asked yet')
}
