import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestWorker, type TestWorker } from '../../testing/test-worker.ts'
import { suspendSession } from './suspend-session.ts'

let test: TestDatabase
let model: ScriptedModel
let worker: TestWorker
beforeAll(async () => {
  test = await createTestDatabase()
  model = await startScriptedModel()
  worker = await startTestWorker({ test, model })
})
afterAll(async () => {
  await worker?.stop()
  await model?.stop()
  await test?.close()
})

it('of two workers of an engine that suspend the same sandbox one does, and the log says it once', async () => {
  model.addScript('write', [{ toolCalls: [{ name: 'bash', input: { command: 'echo kept > kept' } }] }, { text: 'Done.' }])
  const tenant = await seedTenant(test.db)
  const sessionId = await seedSession(worker.parts, tenant, { prompt: '[[script:write]]' })
  const row = await worker.waitForStatus(sessionId, ['IDLE'])
  const session = { tenantId: tenant.tenantId, sessionId, sandboxId: String(row['sandbox_id']), image: String(row['sandbox_image']) }
  const workerId = worker.worker.workerId()
  const outcomes = await Promise.all([1, 2, 3].map(() => suspendSession(worker.parts, workerId, session)))
  expect(outcomes.filter(Boolean)).toHaveLength(1)
  expect(await suspendSession(worker.parts, workerId, session)).toBe(false)
  const said = (await worker.events(sessionId)).filter(({ type }) => type === 'sandbox.state' || type === 'session.checkpointed')
  expect(said.map(({ type, payload }) => payload['state'] ?? type)).toEqual(['RUNNING', 'session.checkpointed', 'SUSPENDED'])
}, 60_000)
