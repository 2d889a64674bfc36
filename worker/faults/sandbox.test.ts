// Faults of sandboxes: out of memory, removed behind our back, and an engine that is gone. Nothing ever runs on the host instead.
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseConditionSpec } from '@longhaul/core/src/conditions/condition-spec.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { startTcpProxy, type TcpProxy } from '@longhaul/core/testing/tcp-proxy.ts'
import Docker from 'dockerode'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { type EventRow, waitForSession } from '../testing/read-session.ts'
import { startTestWorker, type TestWorker } from '../testing/test-worker.ts'

let scene: FaultScene
let worker: TestWorker
const docker = new Docker()

const bash = (command: string) => ({ name: 'bash', input: { command } })
const file = (path: string, text: string) => ({ kind: 'FILE' as const, path, content: Buffer.from(text) })

beforeAll(async () => {
  scene = await createFaultScene()
  worker = await startTestWorker({ ...scene, env: { SANDBOX_IDLE_MS: '60000' } })
})
afterAll(async () => {
  await worker?.stop()
  await scene?.stop()
})

const ofType = (events: EventRow[], type: string) => events.filter((event) => event.type === type)
const results = async (sessionId: string) =>
  ofType(await worker.events(sessionId), 'agent.tool_result').map(({ payload }) => [
    payload['outcome'],
    payload['exitCode'],
    String(payload['output']).trim(),
  ])
const states = async (sessionId: string) => ofType(await worker.events(sessionId), 'sandbox.state').map(({ payload }) => payload['state'])
const remove = (sessionId: string) => docker.getContainer(`longhaul-${sessionId}`).remove({ force: true, v: true })
describe('out of memory in the middle of a tool', () => {
  it('is exit code 137 to the agent, its files are kept, and the session goes on', async () => {
    const hungry = 'python3 -c "x = bytearray(4 * 2**30); print(len(x))"'
    scene.model.addScript('hungry', [{ toolCalls: [bash('echo kept > kept.txt'), bash(hungry), bash('cat kept.txt')] }, { text: 'Done.' }])
    const sessionId = await seedSession(worker.parts, await seedTenant(scene.test.db), { prompt: '[[script:hungry]]' })
    await worker.waitForStatus(sessionId, ['IDLE'], 60_000)
    const [, [outcome, exitCode] = [], after] = await results(sessionId)
    expect([outcome, exitCode]).toEqual(['done', 137])
    expect(after).toEqual(['done', 0, 'kept'])
    await scene.expectClean()
  }, 90_000)
})

describe('a runner that the agent has put words into', () => {
  it('says that a newer claimant has the sandbox: it is replaced, the agent is told, and the session goes on', async () => {
    const mark = "tr '\\0' '\\n' </proc/1/cmdline | tail -n 1"
    scene.model.addScript('usurped', [
      { toolCalls: [bash(`echo 999999 $(${mark}) >/run/longhaul/calls/epoch; kill -9 -1`), bash('ls')] },
      { text: 'I see.' },
      { toolCalls: [bash('echo again')] },
      { text: 'Done.' },
    ])
    const tenant = await seedTenant(scene.test.db)
    const sessionId = await seedSession(worker.parts, tenant, { prompt: '[[script:usurped]]' })
    await worker.waitForStatus(sessionId, ['IDLE', 'PAUSED'], 60_000)
    await sendMessage(worker.parts, tenant.caller, { sessionId, text: 'Go on.', mode: 'QUEUE' })
    await worker.waitFor(sessionId, ({ status, turns }) => (status === 'IDLE' && turns === 4) || status === 'PAUSED', 60_000)
    expect((await results(sessionId)).map(([outcome]) => outcome)).toEqual(['outcome_unknown', 'done', 'done'])
    expect(await states(sessionId)).toEqual(['RUNNING', 'LOST', 'RUNNING'])
    await scene.expectClean()
  }, 90_000)
})

describe('a sandbox removed behind our back', () => {
  it('in the middle of a tool: the outcome is unknown, the agent is told what is lost, and goes on in a new one', async () => {
    scene.model.addScript('robbed', [
      { toolCalls: [bash('echo mine > mine.txt'), bash('sleep 300'), bash('ls; cat given.txt')] },
      { text: 'I see.' },
    ])
    const sessionId = await seedSession(worker.parts, await seedTenant(scene.test.db), {
      prompt: '[[script:robbed]]',
      resources: [file('given.txt', 'given\n')],
    })
    await worker.waitFor(sessionId, ({ tool_calls }) => tool_calls === 2)
    await remove(sessionId)
    await worker.waitForStatus(sessionId, ['IDLE'], 60_000)
    expect((await results(sessionId)).map(([outcome, exitCode]) => [outcome, exitCode])).toEqual([
      ['done', 0],
      ['outcome_unknown', null],
      ['done', 0],
    ])
    expect((await results(sessionId))[2]?.[2]).toBe('given.txt\ngiven')
    expect(await states(sessionId)).toEqual(['RUNNING', 'LOST', 'RUNNING'])
    const events = await worker.events(sessionId)
    const calls = ofType(events, 'agent.tool_call').map(({ seq }) => seq)
    expect(ofType(events, 'sandbox.state').find(({ payload }) => payload['state'] === 'LOST')?.payload['lostCalls']).toEqual(
      calls.slice(0, 2),
    )
    const asked = JSON.stringify(scene.model.requests.findLast(({ session }) => session === sessionId)?.body.messages)
    expect(asked).toMatch(/sandbox was lost/i)
    await scene.expectClean()
  }, 90_000)

  it('between two turns: the next one starts again from the resources, told so before it goes on', async () => {
    scene.model.addScript('robbed-between', [
      { toolCalls: [bash('echo mine > mine.txt')] },
      { text: 'Resting.' },
      { toolCalls: [bash('ls')] },
      { text: 'I see.' },
    ])
    const tenant = await seedTenant(scene.test.db)
    const sessionId = await seedSession(worker.parts, tenant, {
      prompt: '[[script:robbed-between]]',
      resources: [file('given.txt', 'given\n')],
    })
    await worker.waitForStatus(sessionId, ['IDLE'], 60_000)
    await remove(sessionId)
    await sendMessage(worker.parts, tenant.caller, { sessionId, text: 'Go on.', mode: 'QUEUE' })
    await worker.waitFor(sessionId, ({ status, turns }) => status === 'IDLE' && turns === 4, 60_000)
    expect((await results(sessionId)).map(([, , output]) => output)).toEqual(['', 'given.txt'])
    expect(await states(sessionId)).toEqual(['RUNNING', 'LOST', 'RUNNING'])
    await scene.expectClean()
  }, 90_000)

  it('before its conditions are checked: what is checked is what there is, never what there was', async () => {
    scene.model.addScript('robbed-before', [
      { toolCalls: [bash('echo mine > mine.txt')] },
      () => ({ text: 'Done.', delayMs: 1_500 }),
      { toolCalls: [bash('echo mine > mine.txt')] },
      { text: 'Done again.' },
    ])
    const sessionId = await seedSession(worker.parts, await seedTenant(scene.test.db), {
      prompt: '[[script:robbed-before]]',
      conditions: [{ name: 'mine', ...parseConditionSpec({ command: { run: 'cat mine.txt' } }, 'spec') }],
    })
    await scene.model.waitForRequest(({ session, step }) => session === sessionId && step === 1)
    await remove(sessionId)
    await worker.waitForStatus(sessionId, ['COMPLETED'], 90_000)
    const verdicts = ofType(await worker.events(sessionId), 'condition.evaluated').map(({ payload }) => payload['verdict'])
    expect(verdicts).toEqual(['UNSATISFIED', 'SATISFIED'])
    await scene.expectClean()
  }, 120_000)
})

describe('an engine that is gone', () => {
  const mark = path.join(tmpdir(), `longhaul-was-here-${process.pid}`)
  const expectNothingOnTheHost = () => expect(existsSync(mark)).toBe(false)
  let engine: TcpProxy
  beforeEach(async () => {
    engine = await startTcpProxy({ path: '/var/run/docker.sock' })
  })
  afterEach(() => engine.stop())
  const settings = () => ({ DOCKER_HOST: `tcp://127.0.0.1:${engine.port}`, RETRY_BASE_MS: '150' })
  const untilRefused = async (times: number) => {
    const before = engine.refused()
    while (engine.refused() < before + times) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  it('when a worker starts: what people ask is accepted and waits, nothing runs on the host, and it runs when the engine is back', async () => {
    const apart = await createFaultScene()
    apart.model.addScript('marks', [{ toolCalls: [bash(`touch ${mark}; echo through`)] }, { text: 'Done.' }])
    engine.down()
    const starting = startTestWorker({ ...apart, env: settings() })
    try {
      const sessionId = await seedSession(silentParts(apart.test.db), await seedTenant(apart.test.db), { prompt: '[[script:marks]]' })
      await untilRefused(2)
      expect((await waitForSession(apart.test, sessionId, () => true)).status).toBe('QUEUED')
      // It sweeps meanwhile: a wake that was lost is sent again.
      await apart.test.superuser.query("update turn set woken_at = woken_at - interval '1 minute'")
      for (let wakes = 1; wakes === 1; ) wakes = (await apart.test.superuser.query('select wake_no from turn')).rows[0].wake_no
      engine.up()
      const started = await starting
      await started.waitForStatus(sessionId, ['IDLE'], 60_000)
      expectNothingOnTheHost()
      await apart.expectClean()
    } finally {
      engine.up()
      await (await starting).stop()
      await apart.stop()
    }
  }, 120_000)

  it('in the middle of a tool: the call is collected when the engine is back, and none runs meanwhile', async () => {
    const apart = await createFaultScene()
    apart.model.addScript('cut', [
      { toolCalls: [bash('echo once >> once.txt; sleep 3; cat once.txt'), bash(`touch ${mark}; echo second`)] },
      { text: 'Done.' },
    ])
    const started = await startTestWorker({ ...apart, env: settings() })
    try {
      const tenant = await seedTenant(apart.test.db)
      const sessionId = await seedSession(started.parts, tenant, { prompt: '[[script:cut]]' })
      await started.waitFor(sessionId, ({ tool_calls }) => tool_calls === 1)
      engine.down()
      await sendMessage(started.parts, tenant.caller, { sessionId, text: 'Are you there?', mode: 'QUEUE' })
      await untilRefused(4)
      engine.up()
      await started.waitFor(sessionId, ({ status, turns }) => status === 'IDLE' && turns === 3, 60_000)
      const outputs = ofType(await started.events(sessionId), 'agent.tool_result').map(({ payload }) => [
        payload['outcome'],
        payload['output'],
      ])
      expect(outputs).toEqual([
        ['done', 'once\n'],
        ['done', 'second\n'],
      ])
      expectNothingOnTheHost()
      await apart.expectClean()
    } finally {
      engine.up()
      await started.stop()
      await apart.stop()
    }
  }, 120_000)
})
