// Who empties an engine may die like anybody: it is his lease that keeps its workers from taking work.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { cancelSession } from '@longhaul/core/src/sessions/cancel-session.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { waitForStatus } from '../testing/read-session.ts'
import { waitForHolder } from '../testing/turn-holder.ts'
import { createWorkerProcesses, type WorkerProcesses } from '../testing/worker-process.ts'

let scene: FaultScene
let workers: WorkerProcesses
beforeAll(async () => {
  scene = await createFaultScene()
  workers = await createWorkerProcesses(scene)
  scene.model.addScript('long', [{ text: 'It took a while.', delayMs: 60_000 }])
}, 60_000)
afterAll(async () => {
  await workers?.stop()
  await scene?.stop()
}, 60_000)

const begin = async (prompt: string) => {
  const tenant = await seedTenant(scene.test.db)
  return { ...tenant, sessionId: await seedSession(silentParts(scene.test.db), tenant, { prompt }) }
}
const startDraining = (): ChildProcess =>
  fork(path.join(import.meta.dirname, '../src/main.ts'), ['--drain'], {
    env: {
      ...process.env,
      DATABASE_URL: scene.test.url,
      DATA_DIR: workers.dataDir,
      LOG_LEVEL: 'silent',
      LEASE_MS: '1500',
      LEASE_RENEW_MS: '300',
    },
  })
const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
}
const isThere = async (query: string): Promise<boolean> => (await scene.test.superuser.query(query)).rows.length > 0

it('an engine whose emptying was killed midway has its workers again: they take what comes', async () => {
  const { logFile } = await workers.start()
  const { caller, sessionId: long } = await begin('[[script:long]]')
  await waitForHolder(scene.test, long)
  const draining = startDraining()
  await until(() => isThere('select 1 from engine where draining'))
  const { sessionId: waiting } = await begin('Do the work.')
  await until(async () => (await readFile(logFile, 'utf8')).includes('no further wakes are taken'))
  draining.kill('SIGKILL')
  await once(draining, 'exit')
  await waitForStatus(scene.test, waiting, ['IDLE'])
  await cancelSession(silentParts(scene.test.db), caller, { sessionId: long, reason: null })
  await until(async () => !(await isThere("select 1 from reservation where state = 'held'")))
  await scene.expectClean()
}, 60_000)
