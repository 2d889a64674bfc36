import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseConfig } from '@longhaul/core/src/config.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'
import type { ScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { openParts } from '../src/open-parts.ts'
import { type RunningWorker, startWorker } from '../src/start-worker.ts'
import type { TurnParts } from '../src/turn/stretch.ts'
import { type EventRow, readSessionEvents, type SessionRow, waitForSession, waitForStatus } from './read-session.ts'

export type TestWorker = {
  parts: TurnParts & { close(): Promise<void> }
  worker: RunningWorker
  /** Where its snapshots lie. */
  dataDir: string
  waitFor(sessionId: string, fits: (row: SessionRow) => boolean, timeoutMs?: number): Promise<SessionRow>
  waitForStatus(sessionId: string, statuses: string[], timeoutMs?: number): Promise<SessionRow>
  eventTypes(sessionId: string): Promise<string[]>
  events(sessionId: string): Promise<EventRow[]>
  stop(): Promise<void>
}

/** A whole worker in this process, on a real database, real sandboxes and the scripted model, with short times. */
export const startTestWorker = async ({
  test,
  model,
  env = {},
}: {
  test: TestDatabase
  model: ScriptedModel
  env?: Record<string, string>
}): Promise<TestWorker> => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'longhaul-worker-'))
  const config = parseConfig({
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: test.url,
    SANDBOX_IMAGE: process.env['SANDBOX_IMAGE'],
    DATA_DIR: dataDir,
    ANTHROPIC_API_KEY: model.apiKey,
    ANTHROPIC_BASE_URL: model.url,
    LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    LEASE_MS: '2000',
    LEASE_RENEW_MS: '300',
    SWEEP_MS: '100',
    SANDBOX_WARM: '0',
    RETRY_BASE_MS: '20',
    DRAIN_MS: '2000',
    ...env,
  })
  const logger = createLogger({ name: 'test', level: config.logLevel })
  const parts = await openParts(config, logger)
  const worker = await startWorker(parts, {
    concurrency: 50,
    leaseMs: config.leaseMs,
    renewMs: config.leaseRenewMs,
    sweepMs: config.sweepMs,
    moveAfterMs: config.moveAfterMs,
    reapMs: 1_000,
    houseMs: 60_000,
    suspendMs: config.sandboxSuspendMs,
    setUp: { timeoutMs: config.setupTimeoutMs, maxMb: config.setupMaxMb },
    drainMs: config.drainMs,
  })

  const events = (sessionId: string) => readSessionEvents(test, sessionId)
  return {
    parts,
    worker,
    dataDir,
    waitFor: (sessionId, fits, timeoutMs) => waitForSession(test, sessionId, fits, timeoutMs),
    waitForStatus: (sessionId, statuses, timeoutMs) => waitForStatus(test, sessionId, statuses, timeoutMs),
    events,
    eventTypes: async (sessionId) => (await events(sessionId)).map(({ type }) => type),
    stop: async () => {
      await worker.stop()
      const { provider } = parts.sandboxes
      for (const { id } of await provider.list()) await provider.removeById(id)
      for (const { checkpointId } of (await provider.images?.list()) ?? []) await provider.images?.remove(checkpointId)
      await provider.images?.removeUnnamed(0)
      for (const { key } of (await provider.setUps?.list()) ?? []) await provider.setUps?.remove(key)
      await parts.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
