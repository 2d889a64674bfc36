// The Docker daemon restarted in the middle of a tool (22): its containers die with it, files stay, and nothing runs twice.
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { type DockerEngine, startDockerEngine } from '../testing/start-docker-engine.ts'
import { startTestWorker, type TestWorker } from '../testing/test-worker.ts'

const bash = (command: string) => ({ name: 'bash', input: { command } })

let engine: DockerEngine
let scene: FaultScene
let worker: TestWorker
const untilItRuns = async (sessionId: string, command: string): Promise<void> => {
  for (;;) {
    const { Processes } = await engine.docker.getContainer(`longhaul-${sessionId}`).top()
    if (Processes.some((fields: string[]) => fields.at(-1) === command)) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

beforeAll(async () => {
  engine = await startDockerEngine({ image: process.env['SANDBOX_IMAGE'] ?? '' })
  scene = await createFaultScene()
  worker = await startTestWorker({ ...scene, env: { DOCKER_HOST: engine.host, MAX_RETRIES: '20', RETRY_BASE_MS: '100' } })
  scene.model.addScript('cut', [
    { toolCalls: [bash('echo once >> once.txt; sleep 300; echo more >> once.txt'), bash('cat once.txt')] },
    { text: 'Done.' },
  ])
}, 180_000)
afterAll(async () => {
  await worker?.stop()
  await scene?.stop()
  await engine?.stop()
}, 60_000)

it('is told as what it is: the agent hears that nobody knows how its call ended, finds its files, and goes on', async () => {
  const sessionId = await seedSession(worker.parts, await seedTenant(scene.test.db), { prompt: '[[script:cut]]' })
  await worker.waitFor(sessionId, ({ tool_calls }) => tool_calls === 1, 60_000)
  await untilItRuns(sessionId, 'sleep 300')
  await engine.restart()
  await worker.waitForStatus(sessionId, ['IDLE'], 90_000)
  const results = (await worker.events(sessionId)).filter(({ type }) => type === 'agent.tool_result')
  expect(results.map(({ payload }) => [payload['outcome'], payload['exitCode']])).toEqual([
    ['outcome_unknown', null],
    ['done', 0],
  ])
  expect(results[1]?.payload['output']).toBe('once\n')
  await scene.expectClean({ dockerHost: engine.host })
}, 150_000)
