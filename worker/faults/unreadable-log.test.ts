// A log that is damaged where it lies: its session ends, says where, and nobody else's work is touched.
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { startTestWorker, type TestWorker } from '../testing/test-worker.ts'

let scene: FaultScene
let worker: TestWorker
beforeAll(async () => {
  scene = await createFaultScene()
  worker = await startTestWorker(scene)
})
afterAll(async () => {
  await worker?.stop()
  await scene?.stop()
})

it.each([
  ['a payload that is gone', 'null'],
  ['a payload without what it must hold', '{"v": 1}'],
])(
  '%s: the session has FAILED at once, and takes no further message',
  async (_what, payload) => {
    scene.model.addScript('speaks', [{ text: 'One.' }, { text: 'Two.' }])
    const tenant = await seedTenant(scene.test.db)
    const start = () => seedSession(worker.parts, tenant, { prompt: '[[script:speaks]]', budgetNanos: 1_000_000_000n })
    const [damaged, whole] = [await start(), await start()]
    for (const sessionId of [damaged, whole]) await worker.waitForStatus(sessionId, ['IDLE'])
    await scene.test.superuser.query("update event set payload = $2::jsonb where session_id = $1 and type = 'agent.message'", [
      damaged,
      payload,
    ])
    const say = (sessionId: string) => sendMessage(worker.parts, tenant.caller, { sessionId, text: 'Go on.', mode: 'QUEUE' })
    await Promise.all([damaged, whole].map(say))

    expect(await worker.waitForStatus(damaged, ['FAILED', 'PAUSED'], 60_000)).toMatchObject({
      status: 'FAILED',
      stop_reason: 'UNRECOVERABLE',
    })
    const errors = (await worker.events(damaged))
      .filter(({ type }) => type === 'harness.error')
      .map(({ payload: { next, message } }) => [next, message])
    expect(errors).toEqual([['gave_up', "event 6 of the log (agent.message) can't be read"]])
    expect((await scene.test.superuser.query("select from turn where session_id = $1 and state <> 'settled'", [damaged])).rows).toEqual([])
    await expect(say(damaged)).rejects.toThrow('final')
    await worker.waitFor(whole, ({ status, turns }) => status === 'IDLE' && turns === 2, 60_000)
  },
  90_000,
)
