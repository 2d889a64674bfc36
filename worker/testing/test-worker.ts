import { createLogger } from '@longhaul/core/src/logger.ts'
import { parseConfig } from '@longhaul/core/src/config.ts'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'
import type { ScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openParts } from '../src/open-parts.ts'
import { type RunningWorker, startWorker } from '../src/start-worker.ts'
import type { TurnParts } from '../src/turn/stretch.ts'

export type SessionRow = { id: string; status: string; stop_reason: string | null; activity: string | null; turns: number; tool_calls: number; head: number; evaluation_rounds: number; [column: string]: unknown }

export type TestWorker = {
  parts: TurnParts
  worker: RunningWorker
  waitFor(sessionId: string, fits: (row: SessionRow) => boolean, timeoutMs?: number): Promise<SessionRow>
  waitForStatus(sessionId: string, statuses: string[], timeoutMs?: number): Promise<SessionRow>
  eventTypes(sessionId: string): Promise<string[]>
  events(sessionId: string): Promise<{ seq: number; type: string; payload: Record<string, unknown> }[]>
  stop(): Promise<void>
}

/** A whole worker in this process, on a real database, real sandboxes and the scripted model, with short times. */
export const startTestWorker = async ({ test, model, env = {} }: { test: TestDatabase; model: ScriptedModel; env?: Record<string, string> }): Promise<TestWorker> => {
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
    RETRY_BASE_MS: '20',
    DRAIN_MS: '2000',
    ...env,
  })
  const logger = createLogger({ name: 'test', level: config.logLevel })
  const parts = await openParts(config, logger)
  const worker = await startWorker(parts, { concurrency: 50, leaseMs: config.leaseMs, renewMs: config.leaseRenewMs, sweepMs: config.sweepMs, reapMs: 1_000, drainMs: config.drainMs })

  const waitFor = async (sessionId: string, fits: (row: SessionRow) => boolean, timeoutMs = 20_000): Promise<SessionRow> => {
    const until = Date.now() + timeoutMs
    for (;;) {
      const { rows } = await test.superuser.query<SessionRow>('select * from session where id = $1', [sessionId])
      if (rows[0] !== undefined && fits(rows[0])) return rows[0]
      if (Date.now() > until) throw new Error(`session ${sessionId} did not get there: ${JSON.stringify(rows[0])}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const events = async (sessionId: string) =>
    (await test.superuser.query<{ seq: number; type: string; payload: Record<string, unknown> }>('select seq, type, payload from event where session_id = $1 order by seq', [sessionId])).rows
  return {
    parts,
    worker,
    waitFor,
    waitForStatus: (sessionId, statuses, timeoutMs) => waitFor(sessionId, ({ status }) => statuses.includes(status), timeoutMs),
    events,
    eventTypes: async (sessionId) => (await events(sessionId)).map(({ type }) => type),
    stop: async () => {
      await worker.stop()
      await parts.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
