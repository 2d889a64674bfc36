import { type ChildProcess, fork } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseConfig } from '@longhaul/core/src/config.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'
import type { ScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { openSandboxProvider } from '../src/sandboxes/open-sandbox-provider.ts'

/** Killed workers leave their sandboxes and images to a reaper; with the database gone there will be none. */
const removeSandboxes = async (databaseUrl: string): Promise<void> => {
  const config = parseConfig({ DATABASE_URL: databaseUrl, SANDBOX_IMAGE: process.env['SANDBOX_IMAGE'] })
  const provider = await openSandboxProvider(config, createLogger({ name: 'test', level: 'silent' }))
  for (const { id } of await provider.list()) await provider.removeById(id)
  for (const { checkpointId } of (await provider.images?.list()) ?? []) await provider.images?.remove(checkpointId)
  await provider.images?.removeUnnamed(0)
  for (const { key } of (await provider.setUps?.list()) ?? []) await provider.setUps?.remove(key)
}

export type WorkerProcess = { child: ChildProcess; exited: Promise<{ code: number | null; signal: string | null }>; logFile: string }

export type WorkerProcesses = {
  dataDir: string
  start(env?: Record<string, string>): Promise<WorkerProcess>
  /** kill -9 of all that still run, and of their children. */
  stop(): Promise<void>
}

/** Workers in processes of their own, which a test can kill. They share a folder, as workers of one host do. */
export const createWorkerProcesses = async ({
  test,
  model,
  env = {},
}: {
  test: TestDatabase
  model: ScriptedModel
  env?: Record<string, string>
}): Promise<WorkerProcesses> => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'longhaul-workers-'))
  const running = new Set<WorkerProcess>()
  let count = 0
  const start: WorkerProcesses['start'] = async (more = {}) => {
    const logFile = path.join(dataDir, `worker-${++count}.log`)
    const child = fork(path.join(import.meta.dirname, 'crash-worker.ts'), {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        SANDBOX_IMAGE: process.env['SANDBOX_IMAGE'],
        DATABASE_URL: test.url,
        DATA_DIR: dataDir,
        ANTHROPIC_API_KEY: model.apiKey,
        ANTHROPIC_BASE_URL: model.url,
        LOG_LEVEL: 'info',
        LEASE_MS: '2500',
        LEASE_RENEW_MS: '400',
        SWEEP_MS: '150',
        SANDBOX_WARM: '0',
        RETRY_BASE_MS: '30',
        DRAIN_MS: '3000',
        ...env,
        ...more,
      },
    })
    const log = createWriteStream(logFile)
    child.stdout?.pipe(log)
    child.stderr?.pipe(log)
    const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
      child.once('exit', (code, signal) => resolve({ code, signal })),
    )
    const started = { child, exited, logFile }
    running.add(started)
    void exited.then(() => running.delete(started))
    await Promise.race([
      new Promise<void>((resolve) => child.once('message', () => resolve())),
      exited.then(({ code, signal }) => {
        throw new Error(`a worker ended before it was ready (${code ?? signal}): see ${logFile}`)
      }),
    ])
    return started
  }
  return {
    dataDir,
    start,
    stop: async () => {
      for (const { child } of running) child.kill('SIGKILL')
      await Promise.all([...running].map(({ exited }) => exited))
      await removeSandboxes(test.url)
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
