// kill -9 of the worker at each point of an environment's build: another builds it, who waits goes on, the script has run for one image
// only, and nothing of it is left behind.
import path from 'node:path'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BUILD_CRASH_POINTS } from '../src/environments/crash-points.ts'
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
  scene.model.addScript('use', [{ toolCalls: [{ name: 'bash', input: { command: 'cat /opt/made' } }] }, { text: 'Used.' }])
})
afterEach(async () => {
  await workers?.stop()
  await scene?.stop()
})

const countOf = async (tenantId: string) => {
  const filters = { label: ['longhaul.kind=setup', `longhaul.tenant=${tenantId}`] }
  const containers = await docker.listContainers({ all: true, filters: { label: ['longhaul.kind=build', `longhaul.tenant=${tenantId}`] } })
  return { images: (await docker.listImages({ filters })).length, containers: containers.length }
}

describe('kill -9 of the worker that builds an environment', () => {
  it.each(BUILD_CRASH_POINTS)(
    '%s: of two that race for it one dies, and who waits gets it from the other, once',
    async (point) => {
      const mark = path.join(workers.dataDir, 'crashed')
      const racing = await Promise.all([1, 2].map(() => workers.start({ CRASH_AT: point, CRASH_MARK: mark })))
      const tenant = await seedTenant(scene.test.db, { setupScript: 'echo made >/opt/made' })
      const sessions = await Promise.all([1, 2].map(() => seedSession(silentParts(scene.test.db), tenant, { prompt: '[[script:use]]' })))
      expect(await Promise.race(racing.map(({ exited }) => exited))).toMatchObject({ signal: 'SIGKILL' })
      for (const sessionId of sessions) {
        await waitForStatus(scene.test, sessionId, ['IDLE'], 40_000)
        const events = await readSessionEvents(scene.test, sessionId)
        expect(events.filter(({ type }) => type === 'agent.tool_result')).toMatchObject([{ payload: { output: 'made\n' } }])
      }
      const { rows } = await scene.test.superuser.query('select state, attempts from environment_build')
      expect(rows).toEqual([{ state: 'built', attempts: 2 }])
      await expect.poll(() => countOf(tenant.tenantId), { timeout: 10_000 }).toEqual({ images: 1, containers: 0 })
      await scene.expectClean({ dockerHost })
    },
    90_000,
  )
})
