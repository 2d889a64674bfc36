// Faults of a worker's time: an event loop that stands still, and clocks that jump. What counts is the database's clock alone.
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { readSessionEvents, waitForStatus } from '../testing/read-session.ts'
import { waitForHolder } from '../testing/turn-holder.ts'
import { createWorkerProcesses, type WorkerProcess, type WorkerProcesses } from '../testing/worker-process.ts'

const HOUR_MS = 3_600_000

let scene: FaultScene
let workers: WorkerProcesses
beforeAll(async () => {
  scene = await createFaultScene()
  scene.model.addScript('speaks', [{ text: 'A long answer. '.repeat(30), chunkDelayMs: 60 }])
  scene.model.addScript('overloaded', [{ text: 'Done.', faults: [{ kind: 'status', status: 529 }] }])
})
afterAll(() => scene?.stop())
beforeEach(async () => {
  workers = await createWorkerProcesses(scene)
})
afterEach(() => workers.stop())

const seed = async (script: string): Promise<string> =>
  seedSession(silentParts(scene.test.db), await seedTenant(scene.test.db), {
    prompt: `[[script:${script}]]`,
    budgetNanos: 1_000_000_000n,
  })
const signal = async ({ child }: WorkerProcess): Promise<void> => {
  const heard = new Promise<void>((resolve) => child.once('message', () => resolve()))
  child.kill('SIGUSR2')
  await heard
}
const ends = (sessionId: string) => waitForStatus(scene.test, sessionId, ['IDLE'], 90_000)

describe('an event loop that stands still past its lease', () => {
  it('loses its turn to another worker, writes nothing late when it goes on, and takes work again', async () => {
    const blocked = await workers.start({ BLOCK_MS: '9000' })
    const sessionId = await seed('speaks')
    await scene.model.waitForRequest(({ session }) => session === sessionId)
    const { workerId, epoch } = await waitForHolder(scene.test, sessionId)
    const goesOn = signal(blocked)
    const other = await workers.start()
    await waitForHolder(scene.test, sessionId, { not: [workerId] })
    await goesOn
    await ends(sessionId)
    const { rows } = await scene.test.superuser.query('select epoch from claim where session_id = $1', [sessionId])
    expect(rows[0]?.epoch).toBeGreaterThan(epoch)
    other.child.kill('SIGKILL')
    await other.exited
    await ends(await seed('speaks'))
    await scene.expectClean()
  }, 180_000)
})

describe("a worker's clock that jumps by an hour", () => {
  it.each([
    ['ahead', HOUR_MS],
    ['back', -HOUR_MS],
  ])(
    '%s: its turns go on, a back-off lasts as long as it should, and nothing is settled twice',
    async (_way, jumpMs) => {
      const worker = await workers.start({ CLOCK_JUMP_MS: String(jumpMs) })
      const speaking = await seed('speaks')
      await scene.model.waitForRequest(({ session }) => session === speaking)
      await signal(worker)
      const retried = await seed('overloaded')
      for (const sessionId of [speaking, retried]) await ends(sessionId)
      const errors = (await readSessionEvents(scene.test, retried)).filter(({ type }) => type === 'harness.error')
      expect(errors.map(({ payload }) => payload['next'])).toEqual(['retrying'])
      await scene.expectClean()
    },
    120_000,
  )
})
