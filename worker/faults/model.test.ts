// Faults of the provider (28), of the money for it (30), and of the model that judges (31): each ends right and is charged right.
import { setBudget } from '@longhaul/core/src/budgets/set-budget.ts'
import { parseConditionSpec } from '@longhaul/core/src/conditions/condition-spec.ts'
import { resumeSession } from '@longhaul/core/src/sessions/resume-session.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import type { Fault, Step } from '@longhaul/core/testing/scripted-model/script.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import type { EventRow } from '../testing/read-session.ts'
import { startTestWorker, type TestWorker } from '../testing/test-worker.ts'

type Tenant = Awaited<ReturnType<typeof seedTenant>>

const MAX_RETRIES = 3

let scene: FaultScene
let worker: TestWorker
let tenant: Tenant

beforeAll(async () => {
  scene = await createFaultScene()
  worker = await startTestWorker({ ...scene, env: { MODEL_STALL_MS: '700', MAX_RETRIES: String(MAX_RETRIES) } })
  tenant = await seedTenant(scene.test.db)
})
afterAll(async () => {
  await worker?.stop()
  await scene?.stop()
})

const start = (script: string, more: Parameters<typeof seedSession>[2] = {}): Promise<string> =>
  seedSession(worker.parts, tenant, { prompt: `[[script:${script}]]`, budgetNanos: 1_000_000_000n, ...more })
const ofType = (events: EventRow[], type: string) => events.filter((event) => event.type === type)
const charges = async (sessionId: string): Promise<string[]> =>
  (
    await scene.test.superuser.query(
      "select basis || case when cost_nanos = 0 then ', nothing' else '' end as charge from charge where session_id = $1 order by reserved_at",
      [sessionId],
    )
  ).rows.map(({ charge }) => charge)

const SAY = { text: 'I say something that takes more than a piece or two to say.' }
const WRITE = {
  ...SAY,
  toolCalls: [{ name: 'write', input: { file_path: '/workspace/a.txt', content: 'one line, and then another\n'.repeat(4) } }],
}

describe('a call that fails for a while is made again', () => {
  it.each<{ fault: Fault; step?: Step; charged: string[] }>([
    { fault: { kind: 'status', status: 429 }, charged: ['exact, nothing'] },
    { fault: { kind: 'status', status: 429, retryAfter: '1' }, charged: ['exact, nothing'] },
    { fault: { kind: 'status', status: 529 }, charged: ['exact, nothing'] },
    { fault: { kind: 'status', status: 500 }, charged: ['exact, nothing'] },
    { fault: { kind: 'reset_before_headers' }, charged: ['presumed'] },
    { fault: { kind: 'reset_mid_stream' }, charged: ['presumed'] },
    { fault: { kind: 'error_event' }, charged: ['estimated'] },
    { fault: { kind: 'error_event', afterPieces: -1 }, charged: ['exact, nothing'] },
    { fault: { kind: 'stall' }, charged: ['presumed'] }, // what it produced after it fell silent is not known
    { fault: { kind: 'stall', afterPieces: -1 }, charged: ['presumed'] },
    { fault: { kind: 'no_message_stop' }, charged: ['presumed'] },
    { fault: { kind: 'malformed_event' }, charged: ['estimated'] },
    { fault: { kind: 'cut_tool_input' }, step: WRITE, charged: ['presumed'] },
    { fault: { kind: 'huge_answer' }, charged: ['estimated'] },
  ])(
    '$fault',
    async ({ fault, step = SAY, charged }) => {
      const name = `fault-${JSON.stringify(fault).replaceAll(/\W+/g, '-')}`
      scene.model.addScript(name, [{ ...step, faults: [fault] }, { text: 'Done.' }])
      const sessionId = await start(name)
      await worker.waitForStatus(sessionId, ['IDLE'], 90_000)
      const events = await worker.events(sessionId)
      expect(ofType(events, 'harness.error').map(({ payload }) => [payload['next'], payload['attempt']])).toEqual([['retrying', 1]])
      expect(await charges(sessionId)).toEqual([...charged, ...ofType(events, 'agent.message').map(() => 'exact')])
      // The half of a call that was cut off never ran: only the whole one did, once.
      expect(ofType(events, 'agent.tool_call')).toHaveLength(step === WRITE ? 1 : 0)
      if ('retryAfter' in fault) {
        const [failed, answered] = ['harness.error', 'agent.message'].map((type) => ofType(events, type)[0]?.created_at.getTime() ?? 0)
        expect(Number(answered) - Number(failed)).toBeGreaterThanOrEqual(1_000)
      }
      await scene.expectClean()
    },
    120_000,
  )
})

describe('an answer that is not what it should be', () => {
  it.each<{ fault: Fault; step: Step; outcomes: string[] }>([
    { fault: { kind: 'invalid_tool_json' }, step: WRITE, outcomes: ['not_run'] },
    { fault: { kind: 'unknown_tool' }, step: WRITE, outcomes: ['not_run'] },
    { fault: { kind: 'duplicate_call_ids' }, step: { toolCalls: [...WRITE.toolCalls, ...WRITE.toolCalls] }, outcomes: ['done', 'done'] },
    { fault: { kind: 'empty_content' }, step: SAY, outcomes: [] },
  ])(
    '$fault: the agent is told where it helps, and the conversation goes on',
    async ({ fault, step, outcomes }) => {
      const name = `odd-${fault.kind}`
      scene.model.addScript(name, [{ ...step, faults: [fault] }, { text: 'Done.' }, { text: 'Done.' }])
      const sessionId = await start(name)
      await worker.waitForStatus(sessionId, ['IDLE'], 90_000)
      expect(ofType(await worker.events(sessionId), 'agent.tool_result').map(({ payload }) => payload['outcome'])).toEqual(outcomes)
      await sendMessage(worker.parts, tenant.caller, { sessionId, text: 'And again.', mode: 'QUEUE' })
      await worker.waitFor(sessionId, ({ status, head }) => status === 'IDLE' && head > 0, 90_000)
      const last = scene.model.requests.findLast(({ session }) => session === sessionId)
      expect(JSON.stringify(last?.body.messages)).toContain('And again.')
      expect(ofType(await worker.events(sessionId), 'harness.error')).toEqual([])
      await scene.expectClean()
    },
    120_000,
  )
})

describe('a call that can not succeed', () => {
  it.each<[string, Fault, string, number]>([
    ['that fails every time pauses the session after its retries', { kind: 'status', status: 500 }, 'RETRIES_EXHAUSTED', MAX_RETRIES + 1],
    ['that is refused for what it says is not made again', { kind: 'status', status: 400 }, 'RETRIES_EXHAUSTED', 1],
    ['that is too long pauses the session', { kind: 'prompt_too_long' }, 'CONTEXT_FULL', 1],
  ])(
    '%s',
    async (_what, fault, stopReason, requests) => {
      const name = `hopeless-${JSON.stringify(fault).replaceAll(/\W+/g, '-')}`
      scene.model.addScript(name, [{ ...SAY, faults: Array.from({ length: 20 }, () => fault) }])
      const sessionId = await start(name)
      const paused = await worker.waitForStatus(sessionId, ['PAUSED'], 90_000)
      expect(paused.stop_reason).toBe(stopReason)
      expect(scene.model.requests.filter(({ session }) => session === sessionId)).toHaveLength(requests)
      await scene.expectClean()
      scene.model.addScript(name, [SAY])
      await resumeSession(worker.parts, tenant.caller, { sessionId })
      await worker.waitForStatus(sessionId, ['IDLE'], 90_000)
      await scene.expectClean()
    },
    120_000,
  )
})

describe('a budget that ends', () => {
  const cap = (sessionId: string, limitNanos: bigint) =>
    setBudget(worker.parts, {
      tenantId: tenant.tenantId,
      keyId: tenant.caller.keyId,
      setBy: 'TENANT',
      scope: 'SESSION',
      scopeId: sessionId,
      period: 'LIFETIME',
      limitNanos,
      alertPercents: null,
    })
  const spent = async (sessionId: string): Promise<bigint> => {
    const { rows } = await scene.test.superuser.query(
      "select total_spent::text as spent from spend where scope = 'SESSION' and scope_id = $1",
      [sessionId],
    )
    return BigInt(rows[0].spent)
  }
  const turn = { text: 'Spending. '.repeat(60), chunkDelayMs: 15, stopReason: 'max_tokens' }

  it('before the work does: the session is paused below its cap, and goes on by itself when the cap is raised', async () => {
    const dear = { ...turn, usage: { output_tokens: 3_500 } }
    scene.model.addScript('spends', [dear, dear, { text: 'Done.' }])
    const limit = 80_000_000n // room for one worst case, and not for another beside what the first has cost
    const sessionId = await start('spends', { budgetNanos: limit })
    const paused = await worker.waitForStatus(sessionId, ['PAUSED'], 90_000)
    expect(paused.stop_reason).toBe('BUDGET_REACHED')
    expect(await spent(sessionId)).toBeGreaterThan(0n)
    expect(await spent(sessionId)).toBeLessThanOrEqual(limit)
    await scene.expectClean()
    await cap(sessionId, 1_000_000_000n)
    await worker.waitForStatus(sessionId, ['IDLE'], 90_000)
    expect(await worker.eventTypes(sessionId)).toContain('budget.raised')
    await scene.expectClean()
  }, 45_000)

  it('while the model speaks: the call in flight finishes and none starts', async () => {
    scene.model.addScript('is-cut', [turn, { text: 'Done.' }])
    const sessionId = await start('is-cut')
    await scene.model.waitForRequest(({ session }) => session === sessionId)
    await cap(sessionId, 1n)
    const paused = await worker.waitForStatus(sessionId, ['PAUSED'], 90_000)
    expect([paused.stop_reason, paused.turns]).toEqual(['BUDGET_REACHED', 1])
    expect(scene.model.requests.filter(({ session }) => session === sessionId)).toHaveLength(1)
    await cap(sessionId, 1_000_000_000n)
    await worker.waitForStatus(sessionId, ['IDLE'], 90_000)
    await scene.expectClean()
  }, 45_000)
})

describe('a judge', () => {
  const good: Step = { toolCalls: [{ name: 'verdict', input: { verdict: 'SATISFIED', explanation: 'It is there.', evidence: ['a.txt'] } }] }
  const judged = async (name: string) =>
    start('done', {
      conditions: [{ name: 'good', ...parseConditionSpec({ rubric: { rubric: `It is good. [[judge:${name}]]` } }, 'spec') }],
    })
  const verdicts = async (sessionId: string) =>
    ofType(await worker.events(sessionId), 'condition.evaluated').map(({ payload }) => payload['verdict'])

  beforeAll(() => {
    scene.model.addScript('done', [{ text: 'Done.' }])
  })

  it.each<[string, Fault]>([
    ['fails', { kind: 'status', status: 529 }],
    ['falls silent', { kind: 'stall' }],
    ['is cut off', { kind: 'cut_tool_input' }],
  ])(
    'that %s for once is asked again: one round, no fault of the agent',
    async (name, fault) => {
      const faults = [fault] // of all conversations: each of a judge's begins anew, with marks of its own
      scene.model.addScript(`judge-${name.replaceAll(' ', '-')}`, () => ({ ...good, faults: faults.splice(0, 1) }))
      const sessionId = await judged(`judge-${name.replaceAll(' ', '-')}`)
      const done = await worker.waitForStatus(sessionId, ['COMPLETED'], 90_000)
      expect(done.evaluation_rounds).toBe(1)
      expect((await verdicts(sessionId)).at(-1)).toBe('SATISFIED')
      await scene.expectClean()
    },
    120_000,
  )

  it.each<[string, Step]>([
    ['fails every time', { faults: Array.from({ length: 20 }, () => ({ kind: 'status', status: 500 }) as const), ...good }],
    ['talks nonsense every time', { text: 'SATISFIED! All is well, believe me.' }],
    ['gives a verdict that is none', { toolCalls: [{ name: 'verdict', input: { verdict: 'MAYBE', explanation: '', evidence: [] } }] }],
  ])(
    'that %s satisfies nothing: the session is paused, no round is counted, and goes on when it is resumed',
    async (what, step) => {
      const name = `judge-${what.replaceAll(' ', '-')}`
      scene.model.addScript(name, () => step)
      const sessionId = await judged(name)
      const paused = await worker.waitForStatus(sessionId, ['PAUSED'], 90_000)
      expect([paused.stop_reason, paused.evaluation_rounds]).toEqual(['RETRIES_EXHAUSTED', 0])
      expect(new Set(await verdicts(sessionId))).toEqual(new Set(['ERROR']))
      expect(scene.model.requests.filter(({ session, script }) => session === sessionId && script === 'done')).toHaveLength(1)
      await scene.expectClean()
      scene.model.addScript(name, [good])
      await resumeSession(worker.parts, tenant.caller, { sessionId })
      await worker.waitForStatus(sessionId, ['COMPLETED'], 90_000)
      await scene.expectClean()
    },
    120_000,
  )
})
