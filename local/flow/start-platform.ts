// local/flow owns the flow tests: the whole platform in processes of its own, seen only through HTTP and WebSocket. It must never
// look past the public API to find out whether something worked; the checker does that at the end.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createFaultScene, type FaultScene } from '@longhaul/worker/testing/fault-scene.ts'
import { createWorkerProcesses, type WorkerProcesses } from '@longhaul/worker/testing/worker-process.ts'

export type Answer<T> = { data: T | null; errors: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[] }

export type Platform = {
  /** Of the api, without a path. */
  url: string
  operatorKey: string
  scene: FaultScene
  workers: WorkerProcesses
  /** One request over HTTP, as it was answered. */
  ask<T = Record<string, unknown>>(key: string | null, query: string, variables?: Record<string, unknown>): Promise<Answer<T>>
  /** The data; throws the errors. */
  get<T>(key: string, query: string, variables?: Record<string, unknown>): Promise<T>
  stop(): Promise<void>
}

const OPERATOR_KEY = 'the-operator-of-the-flow-tests'
const LOOK_MS = 25

/** An api on a port of its own beside a database of its own; workers are started by the test, which may kill them. */
export const startPlatform = async (env: Record<string, string> = {}): Promise<Platform> => {
  const scene = await createFaultScene()
  const workers = await createWorkerProcesses({ ...scene, env })
  const api = await startApi({ DATABASE_URL: scene.test.url, OPERATOR_KEY, DATA_DIR: workers.dataDir, ...env })

  const ask: Platform['ask'] = async (key, query, variables = {}) => {
    const headers = { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key}` }) }
    const response = await fetch(`${api.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
    const { data = null, errors = [] } = (await response.json()) as Partial<Answer<never>>
    return { data, errors }
  }
  return {
    url: api.url,
    operatorKey: OPERATOR_KEY,
    scene,
    workers,
    ask,
    get: async <T>(key: string, query: string, variables: Record<string, unknown> = {}): Promise<T> => {
      const { data, errors } = await ask<T>(key, query, variables)
      if (errors.length > 0 || data === null) throw new Error(JSON.stringify(errors))
      return data
    },
    stop: async () => {
      api.child.kill('SIGTERM')
      await workers.stop()
      if (api.child.exitCode === null) await once(api.child, 'exit')
      await scene.stop()
    },
  }
}

const startApi = async (env: Record<string, string>): Promise<{ child: ChildProcess; url: string }> => {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, '../../api/src/main.ts')], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], PORT: '0', LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text) => {
      said = (said + String(text)).slice(-20_000)
    })
  for (;;) {
    const url = /"url":"([^"]+)"/.exec(said)?.[1]
    if (url !== undefined) return { child, url }
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the api ended at its start:\n${said}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
