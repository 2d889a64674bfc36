// Faults of the whole machine: everything is killed at once, and started again from what lies on the disk.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { startPostgres } from '@longhaul/core/testing/start-postgres.ts'
import { startRedis, type TestRedis } from '@longhaul/core/testing/start-redis.ts'
import { startTemplateDatabase } from '@longhaul/core/testing/template-database.ts'
import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { readSessionEvents, waitForStatus } from '../testing/read-session.ts'
import { createWorkerProcesses } from '../testing/worker-process.ts'

let dataDir: string
let redis: TestRedis
let scene: FaultScene
beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'longhaul-cold-'))
  await chmod(dataDir, 0o755) // the server runs as a user of its own where the tests run as root
  const server = await startTemplateDatabase({ dataDir, durable: true })
  scene = await createFaultScene({ server: server.superuserUrl })
  redis = await startRedis()
}, 120_000)
afterAll(async () => {
  await startPostgres({ dataDir }) // a test that broke off may have left it down
  await scene?.stop()
  await redis?.stop()
  await (await startPostgres({ dataDir })).stop()
  await rm(dataDir, { recursive: true, force: true })
})

it('workers, database, queue and sandboxes killed at once: after a cold start every session goes on, and no tool has run twice', async () => {
  const count = { name: 'bash', input: { command: 'echo once >> count.txt; sleep 4; cat count.txt' } }
  scene.model.addScript('tool', [{ toolCalls: [count] }, { text: 'Done.' }])
  scene.model.addScript('speech', [{ text: 'A long answer. '.repeat(30), chunkDelayMs: 60 }])
  const workers = await createWorkerProcesses({ ...scene, env: { REDIS_URL: redis.url } })
  try {
    const running = [await workers.start(), await workers.start()]
    const tenant = await seedTenant(scene.test.db)
    const seed = async (script: string): Promise<string> => {
      const sessionId = await seedSession(silentParts(scene.test.db), tenant, {
        prompt: `[[script:${script}]]`,
        budgetNanos: 1_000_000_000n,
      })
      scene.note({ kind: 'accepted', sessionId, seq: 1 })
      return sessionId
    }
    const working = [await seed('tool'), await seed('tool')]
    for (const sessionId of working) await waitForRunningTool(sessionId)
    const speaking = [await seed('speech'), await seed('speech'), await seed('speech')]
    await Promise.all(speaking.map((sessionId) => scene.model.waitForRequest(({ session }) => session === sessionId)))
    const waiting = [await seed('speech'), await seed('speech')]

    const docker = new Docker()
    const { pid } = await startPostgres({ dataDir })
    for (const { child } of running) child.kill('SIGKILL')
    process.kill(pid, 'SIGKILL')
    await Promise.all([redis.kill(), ...working.map((sessionId) => docker.getContainer(`longhaul-${sessionId}`).kill())])
    await Promise.all(running.map(({ exited }) => exited))

    await startPostgres({ dataDir, durable: true })
    await redis.restart()
    await workers.start()
    for (const sessionId of [...working, ...speaking, ...waiting]) {
      const { stop_reason: reason } = await waitForStatus(scene.test, sessionId, ['IDLE', 'PAUSED'], 120_000)
      expect(reason).toBe('END_TURN')
    }
    for (const sessionId of working) {
      const results = (await readSessionEvents(scene.test, sessionId)).filter(({ type }) => type === 'agent.tool_result')
      expect(results.map(({ payload }) => payload['outcome'])).toEqual(['outcome_unknown'])
    }
    await scene.expectClean()
  } finally {
    await workers.stop()
  }
}, 300_000)

const waitForRunningTool = async (sessionId: string): Promise<void> => {
  const container = new Docker().getContainer(`longhaul-${sessionId}`)
  const runs = async () => JSON.stringify(await container.top().catch(() => '')).includes('sleep 4')
  while (!(await runs())) await new Promise((resolve) => setTimeout(resolve, 20))
}
