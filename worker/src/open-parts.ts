import { openSnapshotStore } from '@longhaul/core/src/checkpoints/open-snapshot-store.ts'
import type { Config } from '@longhaul/core/src/config.ts'
import { openAnnouncer } from '@longhaul/core/src/log/open-announcer.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import { createWakeQueue } from '@longhaul/core/src/queue/bullmq-wake-queue.ts'
import { findDueTurns } from '@longhaul/core/src/turns/find-due-turns.ts'
import { openDatabase } from '@longhaul/prisma/src/client.ts'
import { CheckpointDesk } from './checkpoints/checkpoint-desk.ts'
import { findOrigin } from './checkpoints/find-origin.ts'
import { requireSetUp } from './environments/require-set-up.ts'
import { placeUploads } from './files/place-uploads.ts'
import { openModel } from './models/open-model.ts'
import { isLastHolder } from './sandboxes/is-last-holder.ts'
import { isLastWorker } from './sandboxes/is-last-worker.ts'
import { openSandboxProvider } from './sandboxes/open-sandbox-provider.ts'
import { recordSuspended } from './sandboxes/record-suspended.ts'
import { SandboxPool } from './sandboxes/sandbox-pool.ts'
import { stopPaused } from './sandboxes/stop-paused.ts'
import { WarmPool } from './sandboxes/warm-pool.ts'
import { toolsByName } from './tools/tools.ts'
import type { CrashPoint, TurnParts } from './turn/stretch.ts'
import { createWatchedSessions } from './watched-sessions.ts'
import { createFillWorkspace } from './workspace/fill-workspace.ts'

/** Chooses every part a turn runs on, from the settings. */
export const openParts = async (
  config: Config,
  logger: Logger,
  atPoint: (point: CrashPoint) => void | Promise<void> = () => {},
): Promise<TurnParts & { close(): Promise<void> }> => {
  const db = openDatabase({
    url: config.databaseUrl,
    maxConnections: 24,
    onConnectionError: (error) => logger.warn({ err: error }, 'a database connection was lost'),
  })
  const announcer = openAnnouncer(
    { databaseUrl: config.databaseUrl, redisUrl: config.redisUrl ?? null, redisPrefix: config.redisPrefix },
    logger,
  )
  const queue = createWakeQueue(
    config.redisUrl === undefined
      ? { kind: 'postgres', url: config.databaseUrl, findDue: (turnIds) => findDueTurns(db, turnIds) }
      : { kind: 'redis', url: config.redisUrl, prefix: config.redisPrefix },
    logger,
  )
  const snapshots = openSnapshotStore(config)
  const provider = await openSandboxProvider(config, logger)
  const warm = new WarmPool(
    { db, provider, logger },
    { size: config.sandboxWarm, max: config.sandboxWarmMax, keepMs: config.sandboxWarmKeepMs },
  )
  const sandboxes = new SandboxPool(provider, {
    fill: createFillWorkspace({ db, snapshots, provider, logger }),
    placeUploads,
    findOrigin: (of) => findOrigin({ db, sandboxes: { provider } }, of),
    findSetUp: requireSetUp,
    idleMs: config.sandboxIdleMs,
    isLastHolder: (claim) => isLastHolder(db, claim),
    onSuspended: (session) => recordSuspended({ db, announcer }, session),
    onMade: (environmentVersionId, kind) => warm.note(environmentVersionId, kind),
    maxPaused: config.sandboxPausedMax,
    stopPaused: (keep) => stopPaused({ db, provider }, keep),
    logger,
  })
  /** Memory is kept for the next worker of this engine, and given back where there is none. */
  const stopLeft = async (): Promise<void> => {
    if (provider.isolated && (await isLastWorker(db, await provider.engineId()))) await stopPaused({ db, provider }, 0)
  }
  return {
    db,
    announcer,
    queue,
    model: openModel({
      anthropicApiKey: config.anthropicApiKey ?? null,
      anthropicBaseUrl: config.anthropicBaseUrl ?? 'https://api.anthropic.com',
      stallMs: config.modelStallMs,
    }),
    sandboxes,
    warm,
    checkpoints: new CheckpointDesk({
      everyCalls: config.checkpointEveryCalls,
      everyMs: config.checkpointEveryMs,
      minMs: config.checkpointMinMs,
    }),
    snapshots,
    tools: toolsByName,
    logger,
    watched: createWatchedSessions(),
    defaultImage: config.sandboxImage,
    limits: {
      maxOutputTokens: 16_000,
      minOutputTokens: 4_000,
      maxRetries: config.maxRetries,
      retryBaseMs: config.retryBaseMs,
      retryMaxMs: 60_000,
      maxToolOutputBytes: 30_000,
    },
    atPoint,
    close: async () => {
      await sandboxes.close()
      await stopLeft().catch((error: unknown) => logger.warn({ err: error }, 'what is frozen was left so'))
      await Promise.allSettled([announcer.close(), queue.close()])
      await db.close()
    },
  }
}
