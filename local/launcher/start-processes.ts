// The processes of one machine: the scripted model where there is no key for a real one, api, worker.
import { join } from 'node:path'
import type { ChosenSandbox } from './choose-sandbox.ts'
import { findFreePort } from './find-free-port.ts'
import type { RunningFile } from './running-file.ts'
import type { Screen } from './screen.ts'
import { type Supervised, supervise } from './supervise.ts'

export type Settings = {
  root: string
  dataDir: string
  port: number
  databaseUrl: string
  operatorKey: string
  sandbox: ChosenSandbox
  runningFile: RunningFile
  screen: Screen
}

export type StartedProcesses = {
  ready: Promise<void>
  pidOf(name: string): number | undefined
  stop(graceMs: number): Promise<void>
  kill(): void
}

export async function startProcesses(settings: Settings): Promise<StartedProcesses> {
  const { root, dataDir, port, databaseUrl, operatorKey, sandbox, runningFile, screen } = settings
  const env: NodeJS.ProcessEnv = { ...process.env, DATABASE_URL: databaseUrl, DATA_DIR: dataDir, PORT: String(port) }
  delete env.MIGRATE_DATABASE_URL // theirs is the application's login alone
  env.SANDBOX = sandbox.kind
  // Into files, so fewer lines spare nobody anything, and the worker's line that it is ready is one of them.
  if (!['debug', 'trace'].includes(env.LOG_LEVEL ?? '')) env.LOG_LEVEL = 'info'
  if (sandbox.kind === 'docker') env.SANDBOX_IMAGE = sandbox.image

  const processes: (Supervised & { script: string })[] = []
  const record = () => runningFile.write(processes.flatMap(({ pid, script }) => toEntry(pid(), script)))
  const add = (name: string, script: string, more: NodeJS.ProcessEnv, isReady: (log: string) => Promise<boolean>) => {
    const path = join(root, script)
    const logFile = join(dataDir, 'logs', `${name}.log`)
    const started = supervise({
      name,
      script: path,
      env: { ...env, ...more },
      logFile,
      isReady,
      onRestart: screen.say,
      onStart: () => queueMicrotask(record),
    })
    started.ready.catch(() => {}) // awaited below, by then it may have failed
    processes.push({ ...started, script: path })
  }

  const forWorker: NodeJS.ProcessEnv = {}
  if (!process.env.ANTHROPIC_API_KEY) {
    const modelPort = (await findFreePort(0)) ?? 0
    forWorker.ANTHROPIC_BASE_URL = `http://127.0.0.1:${modelPort}`
    forWorker.ANTHROPIC_API_KEY = 'scripted'
    // As fast as someone types, so that the demo can be read.
    const modelEnv = { PORT: String(modelPort), CHUNK_DELAY_MS: '15' }
    add('scripted-model', 'core/testing/scripted-model/main.ts', modelEnv, () => answers(`http://127.0.0.1:${modelPort}/`))
  }
  const base = `http://127.0.0.1:${port}`
  add('api', 'api/src/main.ts', { OPERATOR_KEY: operatorKey }, () => answers(`${base}/readyz`, 200))
  // The worker listens nowhere: it says in its log that it takes wakes.
  add('worker', 'worker/src/main.ts', forWorker, async (log) => log.includes('the worker is ready'))

  return {
    ready: Promise.all(processes.map(({ ready }) => ready)).then(() => {}),
    pidOf: (name) => processes.find((one) => one.name === name)?.pid(),
    // The model goes last: a draining worker may be in the middle of its answer.
    stop: async (graceMs) => {
      const [last, others] = [
        processes.filter(({ name }) => name === 'scripted-model'),
        processes.filter(({ name }) => name !== 'scripted-model'),
      ]
      await Promise.all(others.map((one) => one.stop(graceMs)))
      await Promise.all(last.map((one) => one.stop(graceMs)))
    },
    kill: () => {
      for (const one of processes) one.kill()
    },
  }
}

function toEntry(pid: number | undefined, script: string): { pid: number; script: string }[] {
  return pid === undefined ? [] : [{ pid, script }]
}

/** Whether something answers there, with this status if one is asked for. */
async function answers(url: string, status?: number): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    await response.body?.cancel()
    return status === undefined || response.status === status
  } catch {
    return false // not listening yet
  }
}
