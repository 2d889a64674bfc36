import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestWorker, type TestWorker } from '../../testing/test-worker.ts'

let test: TestDatabase
let model: ScriptedModel
let worker: TestWorker

beforeAll(async () => {
  test = await createTestDatabase()
  model = await startScriptedModel()
  // What an environment says counts, not this.
  worker = await startTestWorker({ test, model, env: { SANDBOX_IDLE_MS: '600000' } })
})
afterAll(async () => {
  await worker?.stop()
  await model?.stop()
  await test?.close()
})

/** A session that ends its work at once and leaves a process behind that runs for so many seconds. */
const leave = async (seconds: number, environment: { idleSeconds: number; keepAwakeSeconds?: number }) => {
  const name = `leave-${seconds}`
  const command = `(sleep ${seconds}; echo through >through.txt) >/dev/null 2>&1 </dev/null &`
  model.addScript(name, [{ toolCalls: [{ name: 'bash', input: { command } }] }, { text: 'It runs.' }])
  const tenant = await seedTenant(test.db, environment)
  const sessionId = await seedSession(worker.parts, tenant, { prompt: `[[script:${name}]]` })
  await worker.waitForStatus(sessionId, ['IDLE'])
  return sessionId
}
/** Once it was stopped: how long after the session's last work, and whether what ran had come to its end. */
const stopped = async (sessionId: string) => {
  const { sandbox_id: sandboxId } = await worker.waitFor(sessionId, ({ sandbox_state: state }) => state === 'SUSPENDED', 20_000)
  const times = (await worker.events(sessionId)).flatMap(({ type, payload, created_at: at }) =>
    type === 'session.status' || payload['state'] === 'SUSPENDED' ? [at.getTime()] : [],
  )
  const through = await worker.parts.sandboxes.provider.readWorkspace({ sessionId, sandboxId: String(sandboxId) }, '/workspace/through.txt')
  through?.destroy()
  return { seconds: (Number(times.at(-1)) - Number(times.at(-2))) / 1_000, through: through !== null }
}

it('a sandbox is stopped after its own environment’s time, kept awake by what runs in it, until that ends or its limit does', async () => {
  const [plain, ends, stays] = await Promise.all([
    leave(60, { idleSeconds: 1 }),
    leave(4, { idleSeconds: 1, keepAwakeSeconds: 60 }),
    leave(61, { idleSeconds: 1, keepAwakeSeconds: 3 }),
  ])
  const [ofPlain, ofEnds, ofStays] = await Promise.all([plain, ends, stays].map(stopped))
  expect(ofPlain).toMatchObject({ through: false })
  expect(ofEnds).toMatchObject({ through: true })
  expect(ofStays).toMatchObject({ through: false })
  expect(ofStays?.seconds).toBeGreaterThan(2.9)
}, 60_000)

it('a worker that stops leaves what its processes keep awake, and stops the rest', async () => {
  const [awake, idle] = await Promise.all([leave(62, { idleSeconds: 3_600, keepAwakeSeconds: 600 }), leave(63, { idleSeconds: 3_600 })])
  const { provider } = worker.parts.sandboxes
  await worker.parts.sandboxes.close()
  expect([await provider.hasProcesses(awake), await provider.hasProcesses(idle)]).toEqual([true, false])
}, 60_000)
