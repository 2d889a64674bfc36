// Money under concurrency and crashes: the provider's own count never passes the cap (invariant 6).

import { worstCaseNanos } from '@longhaul/core/src/budgets/prices.ts'
import { setBudget } from '@longhaul/core/src/budgets/set-budget.ts'
import { forkSession } from '@longhaul/core/src/forks/fork-session.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { takeCheckpoint } from '@longhaul/core/testing/take-checkpoint.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitForSession } from '../testing/read-session.ts'
import { createWorkerProcesses, type WorkerProcesses } from '../testing/worker-process.ts'

let test: TestDatabase
let model: ScriptedModel
let workers: WorkerProcesses

const DOLLAR = 1_000_000_000n
const SESSIONS = 30
const FORKS = 20

beforeAll(async () => {
  test = await createTestDatabase()
  model = await startScriptedModel()
  // Never ends its work: each answer asks for a tool that does not exist, so that no sandbox is needed to spend money.
  model.addScript('spender', () => ({ text: 'Spending. '.repeat(400), toolCalls: [{ name: 'no_such_tool', input: {} }], delayMs: 30 }))
  workers = await createWorkerProcesses({ test, model })
})
afterAll(async () => {
  await workers?.stop()
  await model?.stop()
  await test?.close()
})

describe('a tenant with one dollar left', () => {
  it('is never passed by 50 sessions at once, twenty of them forks, with a worker killed meanwhile, and every session stops with nothing held', async () => {
    const tenant = await seedTenant(test.db, { model: 'claude-opus-5' })
    const parts = silentParts(test.db)
    await setBudget(parts, {
      tenantId: tenant.tenantId,
      keyId: 'key_test',
      setBy: 'OPERATOR',
      scope: 'TENANT',
      scopeId: tenant.tenantId,
      period: 'LIFETIME',
      limitNanos: DOLLAR,
      alertPercents: null,
    })
    const sessionIds = [await seedSession(parts, tenant, { prompt: '[[script:spender]] 0' })]
    const { tenantId, caller } = tenant
    const { id: checkpointId } = await takeCheckpoint(test.db, { tenantId, sessionId: String(sessionIds[0]) })
    const forks = Array.from({ length: FORKS }, (_, index) => ({
      title: null,
      prompt: `[[script:spender]] fork ${index}`,
      agentId: null,
      budgetNanos: null,
    }))
    sessionIds.push(...(await forkSession(parts, caller, { checkpointId, forks })).sessionIds)
    const doomed = await workers.start({ CRASH_AT: 'mid_stream:4' })
    await workers.start()
    for (let index = 1; index < SESSIONS; index++)
      sessionIds.push(await seedSession(parts, tenant, { prompt: `[[script:spender]] ${index}` }))
    expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' })
    await workers.start()

    for (const sessionId of sessionIds) {
      const row = await waitForSession(test, sessionId, ({ status }) => status === 'PAUSED', 120_000)
      expect(row.stop_reason).toBe('BUDGET_REACHED')
    }
    const { rows } = await test.superuser.query(
      "select total_spent::text as spent, total_reserved::text as reserved from spend where scope = 'TENANT' and scope_id = $1",
      [tenant.tenantId],
    )
    const spent = BigInt(rows[0].spent)
    const counted = model.charges.reduce((sum, charge) => sum + BigInt(charge.costNanos), 0n)
    expect(rows[0].reserved).toBe('0')
    expect(spent).toBeLessThanOrEqual(DOLLAR)
    expect(counted).toBeLessThanOrEqual(spent)
    // Within one call's worst case of the cap: the least call there is did not fit any more.
    const longest = Math.max(...model.requests.map(({ body }) => Buffer.byteLength(JSON.stringify(body))))
    expect(DOLLAR - spent).toBeLessThan(
      worstCaseNanos('claude-opus-5', { inputBoundTokens: longest + 4_000, maxOutputTokens: 4_000 }, new Date()),
    )
  }, 180_000)
})
