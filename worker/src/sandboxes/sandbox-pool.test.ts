import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestWorker } from '../../testing/test-worker.ts'

let test: TestDatabase
let model: ScriptedModel

beforeAll(async () => {
  test = await createTestDatabase()
  model = await startScriptedModel()
})
afterAll(async () => {
  await model?.stop()
  await test?.close()
})

it('a worker that had a session before another leaves its sandbox alone, however long it has been idle itself', async () => {
  const bash = (command: string) => ({ toolCalls: [{ name: 'bash', input: { command } }] })
  model.addScript('two-hosts', [bash('echo here'), { text: 'Resting.' }, bash('sleep 4; echo through'), { text: 'Done.' }])
  const before = await startTestWorker({ test, model, env: { SANDBOX_IDLE_MS: '2500' } })
  const tenant = await seedTenant(test.db)
  const sessionId = await seedSession(before.parts, tenant, { prompt: '[[script:two-hosts]]' })
  await before.waitForStatus(sessionId, ['IDLE'])
  await before.worker.stop() // takes no more turns; its pool, with the sandbox in it, lives on
  const after = await startTestWorker({ test, model })
  try {
    await sendMessage(after.parts, tenant.caller, { sessionId, text: 'Go on.', mode: 'QUEUE' })
    await after.waitFor(sessionId, ({ status, turns }) => status === 'IDLE' && turns === 4, 30_000)
    const results = (await after.events(sessionId)).filter(({ type }) => type === 'agent.tool_result')
    expect(results.map(({ payload }) => payload['output'])).toEqual(['here\n', 'through\n'])
  } finally {
    await after.stop()
    await before.parts.close()
  }
}, 60_000)

it('a turn that needs no tool and takes longer than a sandbox may be idle does not keep it from being stopped afterwards', async () => {
  const call = { toolCalls: [{ name: 'bash', input: { command: 'true' } }] }
  model.addScript('thinks-long', [call, { text: 'That was all.', delayMs: 800 }])
  const worker = await startTestWorker({ test, model, env: { SANDBOX_IDLE_MS: '300' } })
  try {
    const sessionId = await seedSession(worker.parts, await seedTenant(test.db), { prompt: '[[script:thinks-long]]' })
    await worker.waitForStatus(sessionId, ['IDLE'])
    await expect
      .poll(async () => (await worker.events(sessionId)).findLast(({ type }) => type === 'sandbox.state')?.payload['state'], {
        timeout: 10_000,
      })
      .toBe('SUSPENDED')
  } finally {
    await worker.stop()
  }
}, 30_000)
