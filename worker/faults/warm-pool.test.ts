// Workers that die around a sandbox made ahead: while it waits, and when it has become a session's and the log does not know it.

import { instanceOf } from '@longhaul/core/src/instance-of.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createDocker } from '../src/sandboxes/docker/engine.ts'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { readSessionEvents, waitForStatus } from '../testing/read-session.ts'
import { createWorkerProcesses, type WorkerProcesses } from '../testing/worker-process.ts'

const docker = createDocker()
const dockerHost = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock'
let scene: FaultScene
let workers: WorkerProcesses

beforeEach(async () => {
  scene = await createFaultScene()
  workers = await createWorkerProcesses(scene)
  scene.model.addScript('use', [{ toolCalls: [{ name: 'bash', input: { command: 'echo x >>n; cat n' } }] }, { text: 'Used.' }])
})
afterEach(async () => {
  await workers?.stop()
  await scene?.stop()
})

const listWarm = async (): Promise<{ id: string; isReady: boolean }[]> => {
  const label = ['longhaul.kind=warm', `longhaul.instance=${instanceOf(scene.test.url)}`]
  const found = await docker.listContainers({ all: true, filters: { label } })
  return found.map(({ Id, State, Names }) => ({ id: Id, isReady: State === 'paused' && (Names[0] ?? '').startsWith('/longhaul-warm-') }))
}

it('kill -9 of a worker that has just given one to a session, and of one that has one ready: the session goes on, nothing is left', async () => {
  const dying = await workers.start({ SANDBOX_WARM: '1', CRASH_AT: 'sandbox_made:2' })
  const tenant = await seedTenant(scene.test.db)
  const begin = () => seedSession(silentParts(scene.test.db), tenant, { prompt: '[[script:use]]' })
  await waitForStatus(scene.test, await begin(), ['IDLE'], 30_000)
  await expect.poll(async () => (await listWarm()).filter(({ isReady }) => isReady).length, { timeout: 15_000 }).toBe(1)
  const [given] = await listWarm()

  const sessionId = await begin()
  expect(await dying.exited).toMatchObject({ signal: 'SIGKILL' })
  expect((await docker.getContainer(given?.id ?? '').inspect()).Name).toBe(`/longhaul-${sessionId}`)
  const next = await workers.start({ SANDBOX_WARM: '1' })
  const row = await waitForStatus(scene.test, sessionId, ['IDLE'], 40_000)
  expect(row['sandbox_id']).not.toBe(given?.id)
  const results = (await readSessionEvents(scene.test, sessionId)).filter(({ type }) => type === 'agent.tool_result')
  expect(results).toMatchObject([{ payload: { output: 'x\n' } }])

  // What a suspect began with is not made ready for: it ran alone, in a process of its own.
  await waitForStatus(scene.test, await begin(), ['IDLE'], 30_000)
  await expect.poll(async () => (await listWarm()).filter(({ isReady }) => isReady).length, { timeout: 15_000 }).toBe(1)
  next.child.kill('SIGKILL')
  await next.exited
  await workers.start()
  await expect.poll(listWarm, { timeout: 20_000 }).toEqual([])
  await scene.expectClean({ dockerHost })
}, 120_000)
