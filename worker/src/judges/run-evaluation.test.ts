import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { addCondition } from '@longhaul/core/src/conditions/add-condition.ts'
import { parseConditionSpec } from '@longhaul/core/src/conditions/condition-spec.ts'
import { evaluateSession } from '@longhaul/core/src/sessions/evaluate-session.ts'
import { pauseSession } from '@longhaul/core/src/sessions/pause-session.ts'
import { resumeSession } from '@longhaul/core/src/sessions/resume-session.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import type { Script, Step } from '@longhaul/core/testing/scripted-model/script.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestWorker, type TestWorker } from '../../testing/test-worker.ts'
import type { CrashPoint } from '../turn/stretch.ts'

const run = promisify(execFile)
const satisfied: Step = { toolCalls: [{ name: 'verdict', input: { verdict: 'SATISFIED', explanation: 'Fine.', evidence: ['README.md'] } }] }
const file = (path: string) => ({ file: { path, exists: true } })

let test: TestDatabase
let model: ScriptedModel
let worker: TestWorker
let made = 0
beforeAll(async () => {
  test = await createTestDatabase()
  model = await startScriptedModel()
  worker = await startTestWorker({ test, model, env: { MAX_RETRIES: '2' } })
})
afterEach(() => {
  worker.parts.atPoint = () => {}
})
afterAll(async () => {
  await worker?.stop()
  const { provider } = worker.parts.sandboxes
  for (const { id } of await provider.list()) await provider.removeById(id)
  await model?.stop()
  await test?.close()
})

type Work = {
  work?: Step[]
  judge?: Script
  conditions: Record<string, Record<string, unknown>>
  maxEvaluations?: number
  model?: string
  budgetNanos?: bigint
}

/** A session whose agent works by one script and is judged by another. */
const begin = async ({ work = [{ text: 'Done.' }], judge = [], conditions, maxEvaluations = 5, budgetNanos, ...agent }: Work) => {
  const name = `evaluation-${made++}`
  model.addScript(name, work)
  model.addScript(`${name}-judge`, judge)
  const tenant = await seedTenant(test.db, agent)
  const sessionId = await seedSession(worker.parts, tenant, {
    prompt: `Work. [[script:${name}]] [[judge:${name}-judge]]`,
    resources: [{ kind: 'FILE', path: 'README.md', content: Buffer.from('# It') }],
    conditions: Object.entries(conditions).map(([label, spec]) => ({ name: label, ...parseConditionSpec(spec, 'spec') })),
    maxEvaluations,
    budgetNanos: budgetNanos ?? null,
  })
  return { sessionId, caller: tenant.caller, judged: () => model.requests.filter(({ script }) => script === `${name}-judge`).length, name }
}

/** The first time a turn gets there it is held until the test lets it go. */
const holdAt = (point: CrashPoint) => {
  const reached = Promise.withResolvers<void>()
  const hold = Promise.withResolvers<void>()
  worker.parts.atPoint = (at) => {
    if (at !== point) return
    worker.parts.atPoint = () => {}
    reached.resolve()
    return hold.promise
  }
  return { reached: reached.promise, letGo: () => hold.resolve() }
}

const verdicts = async (sessionId: string) =>
  (await worker.events(sessionId))
    .filter(({ type }) => type === 'condition.evaluated')
    .map(({ payload }) => `${payload['round']} ${payload['name']} ${payload['verdict']}`)
const stopped = async (sessionId: string) => {
  const { status, stop_reason } = await worker.waitForStatus(sessionId, ['COMPLETED', 'IDLE', 'PAUSED', 'FAILED'], 40_000)
  return [status, stop_reason]
}
/** From outside the agent's tools, as a process it left behind would. */
const changeWorkspace = async (sessionId: string, script: string) => {
  const sandbox = (await worker.parts.sandboxes.provider.list()).find((item) => item.sessionId === sessionId && item.kind === 'sandbox')
  await run('docker', ['exec', String(sandbox?.id), 'sh', '-c', script])
}

describe('an evaluation', () => {
  it('completes a session when every kind of condition holds, on one digest', async () => {
    const { sessionId } = await begin({
      judge: [satisfied],
      conditions: {
        runs: { command: { run: 'test -f README.md' } },
        there: file('README.md'),
        kept: { unchanged: { paths: ['README.md'] } },
        clear: { rubric: { rubric: 'Clear?' } },
      },
    })
    expect(await stopped(sessionId)).toEqual(['COMPLETED', 'DONE'])
    expect(await verdicts(sessionId)).toEqual(['1 runs SATISFIED', '1 there SATISFIED', '1 kept SATISFIED', '1 clear SATISFIED'])
    const { rows } = await test.superuser.query('select distinct workspace_digest, isolated from evaluation where session_id = $1', [
      sessionId,
    ])
    expect(rows).toEqual([{ workspace_digest: expect.stringMatching(/^[0-9a-f]{64}$/), isolated: true }])
    const judged = (await worker.events(sessionId)).find(({ payload }) => payload['name'] === 'clear' && payload['verdict'] === 'SATISFIED')
    const charged = await test.superuser.query(
      "select sum(cost_nanos)::text as nanos from charge where session_id = $1 and kind = 'judge'",
      [sessionId],
    )
    expect(judged?.cost_nanos).toBe(charged.rows[0].nanos)
  })

  it('gives the agent its verdicts until the rounds are spent, and a message opens it again', async () => {
    const { sessionId, caller } = await begin({ conditions: { there: file('gone') }, maxEvaluations: 2 })
    expect(await stopped(sessionId)).toEqual(['IDLE', 'MAX_EVALUATIONS'])
    expect(await verdicts(sessionId)).toEqual(['1 there UNSATISFIED', '2 there UNSATISFIED'])
    await sendMessage(worker.parts, caller, { sessionId, text: 'Go on.', mode: 'QUEUE' })
    await worker.waitFor(sessionId, ({ status, evaluation_rounds }) => status === 'IDLE' && evaluation_rounds === 4)
    await evaluateSession(worker.parts, caller, { sessionId })
    await worker.waitFor(
      sessionId,
      ({ status, evaluation_rounds, stop_reason }) => status === 'IDLE' && evaluation_rounds === 5 && stop_reason === 'MAX_EVALUATIONS',
    )
  })

  it('reads a message that came meanwhile before it completes', async () => {
    const { sessionId, caller } = await begin({
      work: [{ text: 'Done.' }, { text: 'Done again.' }],
      conditions: { there: file('README.md') },
    })
    const held = holdAt('before_terminal')
    await held.reached // the work turn's own end comes first
    const evaluated = holdAt('after_verdict')
    held.letGo()
    await evaluated.reached
    await sendMessage(worker.parts, caller, { sessionId, text: 'One more thing.', mode: 'QUEUE' })
    evaluated.letGo()
    expect(await stopped(sessionId)).toEqual(['COMPLETED', 'DONE'])
    expect(await verdicts(sessionId)).toEqual(['1 there SATISFIED', '2 there SATISFIED'])
    expect((await worker.eventTypes(sessionId)).filter((type) => type === 'agent.message')).toHaveLength(2)
  })

  it('judges a condition that was added between the last verdict and the end', async () => {
    const { sessionId, caller } = await begin({
      work: [{ text: 'Done.' }, { text: 'I can not.' }],
      conditions: { there: file('README.md') },
      maxEvaluations: 2,
    })
    const verdict = holdAt('after_verdict')
    await verdict.reached
    const end = holdAt('before_terminal')
    verdict.letGo()
    await end.reached
    await addCondition(worker.parts, caller, { sessionId, condition: { name: 'late', ...parseConditionSpec(file('gone'), 'spec') } })
    end.letGo()
    expect(await stopped(sessionId)).toEqual(['IDLE', 'MAX_EVALUATIONS'])
    expect((await verdicts(sessionId)).slice(0, 2)).toEqual(['1 there SATISFIED', '1 late UNSATISFIED'])
  })
})

describe('an evaluation of a workspace that is larger than its environment allows', () => {
  it('fails every condition, and says what to remove', async () => {
    const bash = (command: string): Step => ({ toolCalls: [{ name: 'bash', input: { command } }] })
    const work = [bash('head -c 3000000 /dev/zero > big'), { text: 'Done.' }, bash('rm big'), { text: 'Done.' }]
    const hold = holdAt('before_request')
    const { sessionId } = await begin({ work, conditions: { there: file('README.md'), kept: { unchanged: { paths: ['README.md'] } } } })
    await hold.reached
    await test.superuser.query(
      'update environment_version set disk_mb = 1 where id = (select environment_version_id from session where id = $1)',
      [sessionId],
    )
    hold.letGo()
    expect(await stopped(sessionId)).toEqual(['COMPLETED', 'DONE'])
    expect(await verdicts(sessionId)).toEqual(['1 there UNSATISFIED', '1 kept UNSATISFIED', '2 there SATISFIED', '2 kept SATISFIED'])
    const told = (await worker.events(sessionId)).find(({ type }) => type === 'condition.evaluated')
    expect(told?.payload['explanation']).toContain('1 MB')
  })
})

describe('an evaluation that is paused between two conditions', () => {
  it('keeps the verdict it gave, and pays for none twice', async () => {
    const { sessionId, caller, judged } = await begin({
      judge: [satisfied],
      conditions: { clear: { rubric: { rubric: 'Clear?' } }, there: file('README.md') },
    })
    const held = holdAt('after_verdict')
    await held.reached
    await pauseSession(worker.parts, caller, { sessionId })
    held.letGo()
    expect(await stopped(sessionId)).toEqual(['PAUSED', 'PAUSED_BY_USER'])
    expect(await verdicts(sessionId)).toEqual(['1 clear SATISFIED'])
    await resumeSession(worker.parts, caller, { sessionId })
    await worker.waitForStatus(sessionId, ['COMPLETED'])
    expect([await verdicts(sessionId), judged()]).toEqual([['1 clear SATISFIED', '1 there SATISFIED'], 1])
  })

  it('judges all again when the workspace was changed meanwhile', async () => {
    const { sessionId, caller } = await begin({ conditions: { kept: { unchanged: { paths: ['README.md'] } }, late: file('README.md') } })
    const held = holdAt('after_verdict')
    await held.reached
    await pauseSession(worker.parts, caller, { sessionId })
    await changeWorkspace(sessionId, 'echo hidden >> /workspace/README.md')
    held.letGo()
    expect(await stopped(sessionId)).toEqual(['PAUSED', 'PAUSED_BY_USER'])
    await resumeSession(worker.parts, caller, { sessionId })
    await worker.waitFor(sessionId, ({ evaluation_rounds }) => evaluation_rounds >= 2)
    expect((await verdicts(sessionId)).slice(0, 3)).toEqual(['1 kept SATISFIED', '1 late SATISFIED', '2 kept UNSATISFIED'])
  })
})

describe('an evaluation that can not be made', () => {
  it('is tried again, unseen by the agent and not counted, until it can', async () => {
    const faults = [529, 500]
    const { sessionId } = await begin({
      judge: [() => ({ ...satisfied, faults: faults.splice(0, 1).map((status) => ({ kind: 'status' as const, status })) })],
      conditions: { clear: { rubric: { rubric: 'Clear?' } } },
      maxEvaluations: 1,
    })
    expect(await stopped(sessionId)).toEqual(['COMPLETED', 'DONE'])
    expect(await verdicts(sessionId)).toEqual(['1 clear ERROR', '1 clear ERROR', '1 clear SATISFIED'])
  })

  it('pauses the session after its retries, and a resume tries once more', async () => {
    const { sessionId, name, caller } = await begin({
      judge: [{ text: 'Lovely.' }, { text: 'Really lovely.' }],
      conditions: { clear: { rubric: { rubric: 'Clear?' } } },
    })
    expect(await stopped(sessionId)).toEqual(['PAUSED', 'RETRIES_EXHAUSTED'])
    expect(await verdicts(sessionId)).toEqual(Array(3).fill('1 clear ERROR'))
    expect((await worker.events(sessionId)).filter(({ type }) => type === 'harness.error').map(({ payload }) => payload['next'])).toEqual([
      'retrying',
      'retrying',
      'gave_up',
    ])
    model.addScript(`${name}-judge`, [satisfied])
    await resumeSession(worker.parts, caller, { sessionId })
    await worker.waitForStatus(sessionId, ['COMPLETED'])
  })

  it('waits for money where the judge does not fit the budget', async () => {
    const { sessionId, judged } = await begin({
      model: 'claude-haiku-5-5',
      conditions: { clear: { rubric: { rubric: 'Clear?', model: 'claude-opus-5-5' } } },
      budgetNanos: 50_000_000n,
    })
    expect(await stopped(sessionId)).toEqual(['PAUSED', 'BUDGET_REACHED'])
    expect(judged()).toBe(0)
  })
})

describe('an evaluation that a person interrupts', () => {
  it('ends, and the message is read next', async () => {
    const { sessionId, caller, name } = await begin({
      work: [{ text: 'Done.' }, { text: 'As you wish.' }],
      judge: [{ ...satisfied, delayMs: 60_000 }],
      conditions: { clear: { rubric: { rubric: 'Clear?' } } },
    })
    await model.waitForRequest(({ script }) => script === `${name}-judge`)
    model.addScript(`${name}-judge`, [satisfied])
    await sendMessage(worker.parts, caller, { sessionId, text: 'Stop that.', mode: 'INTERRUPT' })
    expect(await stopped(sessionId)).toEqual(['COMPLETED', 'DONE'])
    const types = (await worker.events(sessionId)).map(({ type }) => type)
    expect(types.filter((type) => type === 'agent.message')).toHaveLength(2)
    expect((await verdicts(sessionId)).at(-1)).toMatch(/clear SATISFIED$/)
  })

  it('in the middle of a command: its container is gone, and no verdict was given', async () => {
    const { sessionId, caller } = await begin({
      work: [{ text: 'Done.' }, { text: 'Stopped.' }],
      conditions: { slow: { command: { run: 'test -f stop || sleep 60' } } },
    })
    const checks = async () =>
      (await worker.parts.sandboxes.provider.list()).filter((item) => item.sessionId === sessionId && item.kind === 'check')
    await expect.poll(async () => (await checks()).some(({ running }) => running), { timeout: 20_000 }).toBe(true)
    await changeWorkspace(sessionId, 'touch /workspace/stop')
    await sendMessage(worker.parts, caller, { sessionId, text: 'Stop.', mode: 'INTERRUPT' })
    expect(await stopped(sessionId)).toEqual(['COMPLETED', 'DONE'])
    expect(await verdicts(sessionId)).toEqual(['1 slow SATISFIED'])
    expect(await checks()).toEqual([])
  })
})

describe('what is judged', () => {
  const typesOf = async (sessionId: string) =>
    (
      await test.superuser.query<{ what: string }>(
        `select case type when 'session.checkpointed' then payload->>'trigger' when 'condition.evaluated' then payload->>'verdict' else 'ANSWER' end as what
         from event where session_id = $1 and type in ('session.checkpointed', 'condition.evaluated', 'agent.message') order by seq`,
        [sessionId],
      )
    ).rows.map(({ what }) => what)

  it('is checkpointed before the first verdict of each round, once, and can be gone back to', async () => {
    const bash = (command: string): Step => ({ toolCalls: [{ name: 'bash', input: { command } }] })
    const { sessionId } = await begin({
      work: [{ text: 'Done?' }, bash('touch made'), { text: 'Done.' }],
      conditions: { made: file('made'), readme: file('README.md') },
    })
    await worker.waitForStatus(sessionId, ['COMPLETED'])
    expect(await typesOf(sessionId)).toEqual([
      'ANSWER',
      'BEFORE_EVALUATION',
      'UNSATISFIED',
      'SATISFIED',
      'ANSWER',
      'ANSWER',
      'BEFORE_EVALUATION',
      'SATISFIED',
      'SATISFIED',
    ])
    const { rows } = await test.superuser.query("select state from checkpoint where session_id = $1 and trigger = 'BEFORE_EVALUATION'", [
      sessionId,
    ])
    expect(rows).toEqual([{ state: 'whole' }, { state: 'whole' }])
  })

  it('is judged also where it could not be checkpointed', async () => {
    worker.parts.atPoint = (at) => {
      if (at === 'checkpoint_saved') throw new Error('no room')
    }
    const { sessionId } = await begin({ conditions: { readme: file('README.md') } })
    await worker.waitForStatus(sessionId, ['COMPLETED'])
    expect(await typesOf(sessionId)).toEqual(['ANSWER', 'SATISFIED'])
  })
})
