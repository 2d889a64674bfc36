import { parseConditionSpec } from '@longhaul/core/src/conditions/condition-spec.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { repairConditions, repairPrompt, repairResources, repairScript } from '@longhaul/core/testing/scripted-model/scripts/repair.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestWorker, type TestWorker } from '../../testing/test-worker.ts'

let test: TestDatabase
let model: ScriptedModel
let worker: TestWorker

beforeAll(async () => {
  test = await createTestDatabase()
  model = await startScriptedModel({ scripts: { repair: repairScript({ chunkDelayMs: 0 }) } })
  worker = await startTestWorker({ test, model })
})
afterAll(async () => {
  await worker?.stop()
  await model?.stop()
  await test?.close()
})

describe('a session with conditions', () => {
  it('completes when the checks hold, not when the agent says so', async () => {
    const tenant = await seedTenant(test.db)
    const sessionId = await seedSession(worker.parts, tenant, {
      prompt: repairPrompt,
      resources: repairResources.map(({ file }) => ({ kind: 'FILE', path: file.path, content: Buffer.from(file.text) })),
      conditions: repairConditions.map(({ name, spec }) => ({ name, ...parseConditionSpec(spec, 'spec') })),
      budgetNanos: 1_000_000_000n,
    })
    const session = await worker.waitForStatus(sessionId, ['COMPLETED', 'PAUSED', 'IDLE', 'FAILED'], 60_000)
    const verdicts = (await worker.events(sessionId))
      .filter(({ type }) => type === 'condition.evaluated')
      .map(({ payload }) => [payload['round'], payload['name'], payload['verdict']])
    expect({ status: session.status, reason: session.stop_reason, verdicts }).toEqual({
      status: 'COMPLETED',
      reason: 'DONE',
      verdicts: [
        [1, 'tests pass', 'UNSATISFIED'],
        [1, 'test files unchanged', 'SATISFIED'],
        [2, 'tests pass', 'UNSATISFIED'],
        [2, 'test files unchanged', 'UNSATISFIED'],
        [3, 'tests pass', 'SATISFIED'],
        [3, 'test files unchanged', 'SATISFIED'],
      ],
    })
  }, 90_000)
})
