// Fault 1: kill -9 of the worker at each named point; another takes over, and what the outside saw adds up.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { parseConditionSpec } from '@longhaul/core/src/conditions/condition-spec.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CRASH_POINTS } from '../src/turn/stretch.ts'
import { readSessionEvents, waitForStatus } from '../testing/read-session.ts'
import { createWorkerProcesses, type WorkerProcesses } from '../testing/worker-process.ts'

let test: TestDatabase
let model: ScriptedModel
let workers: WorkerProcesses

beforeAll(async () => {
  test = await createTestDatabase()
  model = await startScriptedModel()
  // The append is what shows a call that ran twice.
  model.addScript('work', [
    {
      text: 'I append a line.',
      toolCalls: [{ name: 'bash', input: { command: 'sleep 0.3; echo once >> /workspace/lines.txt' } }],
      chunkDelayMs: 5,
    },
    { text: 'That is done, and written down at some length so that there is a stream to be cut.', chunkDelayMs: 5 },
  ])
})
afterAll(async () => {
  await model?.stop()
  await test?.close()
})
beforeEach(async () => {
  workers = await createWorkerProcesses({ test, model })
})
afterEach(() => workers.stop())

describe('kill -9 of the worker', () => {
  it.each(CRASH_POINTS)(
    '%s: the session completes, and nothing happened twice unseen',
    async (point) => {
      const mark = path.join(workers.dataDir, 'crashed')
      await rm(mark, { force: true })
      const tenant = await seedTenant(test.db)
      const doomed = await workers.start({ CRASH_AT: point, CRASH_MARK: mark })
      const sessionId = await seedSession(silentParts(test.db), tenant, {
        prompt: '[[script:work]]',
        conditions: [{ name: 'one line', ...parseConditionSpec({ command: { run: 'test -s lines.txt' } }, 'spec') }],
        budgetNanos: 1_000_000_000n,
      })
      expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' })
      await workers.start()
      await waitForStatus(test, sessionId, ['COMPLETED'], 60_000)

      const events = await readSessionEvents(test, sessionId)
      const calls = events.filter(({ type }) => type === 'agent.tool_call')
      const results = events.filter(({ type }) => type === 'agent.tool_result')
      expect(results.map(({ payload }) => payload['callId'])).toEqual(calls.map(({ payload }) => payload['callId']))
      const { rows: held } = await test.superuser.query(
        "select state, count(*)::int as n from reservation where session_id = $1 and state = 'held' group by state",
        [sessionId],
      )
      expect(held).toEqual([])
      const verdicts = events
        .filter(({ type, payload }) => type === 'condition.evaluated' && payload['verdict'] !== 'ERROR')
        .map(({ payload }) => `${payload['round']} ${payload['conditionId']}`)
      expect(new Set(verdicts).size).toBe(verdicts.length)
      const { rows: spend } = await test.superuser.query(
        'select total_spent::bigint as spent, total_reserved::bigint as reserved from spend where scope_id = $1',
        [sessionId],
      )
      const charged = model.charges
        .filter((charge) => charge.session === sessionId)
        .reduce((sum, charge) => sum + BigInt(charge.costNanos), 0n)
      expect(BigInt(spend[0].spent)).toBeGreaterThanOrEqual(charged)
      expect(BigInt(spend[0].spent)).toBeLessThanOrEqual(1_000_000_000n)
    },
    120_000,
  )
})
