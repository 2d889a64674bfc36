import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestWorker, type TestWorker } from '../../testing/test-worker.ts'

let test: TestDatabase
let model: ScriptedModel
let worker: TestWorker

beforeAll(async () => {
  test = await createTestDatabase()
  model = await startScriptedModel()
  worker = await startTestWorker({ test, model, env: { SANDBOX_IDLE_MS: '1500' } })
})
afterAll(async () => {
  await worker.stop()
  await model.stop()
  await test.close()
})

describe('a work turn', () => {
  it('answers a message and goes idle where there are no conditions', async () => {
    model.addScript('hello', [{ text: 'Hello there.' }])
    const tenant = await seedTenant(test.db)
    const sessionId = await seedSession(worker.parts, tenant, { prompt: 'Say hello. [[script:hello]]' })
    const session = await worker.waitForStatus(sessionId, ['IDLE'])
    expect(session).toMatchObject({ status: 'IDLE', stop_reason: 'END_TURN', turns: 1 })
    expect(await worker.eventTypes(sessionId)).toEqual([
      'session.created',
      'session.status',
      'user.message',
      'session.status',
      'user.message_read',
      'agent.message',
      'session.status',
    ])
  })

  it('commits three times where no tool is called: the claim, what it reads with the hold on its money, the answer with its end', async () => {
    model.addScript('brief', [{ text: 'Yes.' }])
    const tenant = await seedTenant(test.db)
    const sessionId = await seedSession(worker.parts, tenant, { prompt: '[[script:brief]]' })
    await worker.waitForStatus(sessionId, ['IDLE'])
    const { rows } = await test.superuser.query<{ types: string[] }>(
      `select array_agg(type order by seq) as types from event where session_id = $1 and seq > 3 group by xmin::text order by min(seq)`,
      [sessionId],
    )
    expect(rows.map(({ types }) => types)).toEqual([['session.status'], ['user.message_read'], ['agent.message', 'session.status']])
    const { rows: commits } = await test.superuser.query<{ together: boolean }>(
      `select e.xmin = c.xmin as together from event e, charge c
       where e.session_id = $1 and c.session_id = $1 and e.type = 'agent.message'`,
      [sessionId],
    )
    expect(commits).toEqual([{ together: true }])
  })

  it('goes on with a message that is sent when it is idle', async () => {
    model.addScript('twice', [{ text: 'One.' }, { text: 'Two.' }])
    const tenant = await seedTenant(test.db)
    const sessionId = await seedSession(worker.parts, tenant, { prompt: '[[script:twice]]' })
    await worker.waitForStatus(sessionId, ['IDLE'])
    await sendMessage(worker.parts, tenant.caller, { sessionId, text: 'And?', mode: 'QUEUE' })
    const session = await worker.waitFor(sessionId, (row) => row.status === 'IDLE' && row.turns === 2)
    expect(session.stop_reason).toBe('END_TURN')
  })

  it('pays once and exactly for an answer that is larger than an event may be, and goes on', async () => {
    model.addScript('large', [{ text: '\u0001'.repeat(60_000) }, { text: 'Done.' }])
    const tenant = await seedTenant(test.db)
    const sessionId = await seedSession(worker.parts, tenant, { prompt: '[[script:large]]' })
    const session = await worker.waitForStatus(sessionId, ['IDLE', 'PAUSED'])
    expect(session).toMatchObject({ stop_reason: 'END_TURN', turns: 2 })
    const { rows } = await test.superuser.query<{ basis: string }>('select basis from charge where session_id = $1', [sessionId])
    expect(rows).toEqual([{ basis: 'exact' }, { basis: 'exact' }])
  })

  it('comes back after provider errors, each in the log', async () => {
    model.addScript('flaky', [
      {
        text: 'At last.',
        faults: [
          { kind: 'status', status: 529 },
          { kind: 'status', status: 500 },
        ],
      },
    ])
    const tenant = await seedTenant(test.db)
    const sessionId = await seedSession(worker.parts, tenant, { prompt: '[[script:flaky]]' })
    await worker.waitForStatus(sessionId, ['IDLE'])
    const types = await worker.eventTypes(sessionId)
    expect(types.filter((type) => type === 'harness.error')).toHaveLength(2)
  })

  it('runs a tool in a sandbox and reads its result', async () => {
    model.addScript('tool', [
      { text: 'Looking.', toolCalls: [{ name: 'bash', input: { command: 'echo from-the-sandbox; exit 3' } }] },
      { text: 'Done.' },
    ])
    const tenant = await seedTenant(test.db)
    const sessionId = await seedSession(worker.parts, tenant, { prompt: '[[script:tool]]' })
    const session = await worker.waitForStatus(sessionId, ['IDLE'])
    expect(session).toMatchObject({ stop_reason: 'END_TURN', turns: 2, tool_calls: 1, sandbox_state: 'RUNNING' })
    const result = (await worker.events(sessionId)).find(({ type }) => type === 'agent.tool_result')
    expect(result?.payload).toMatchObject({
      outcome: 'done',
      exitCode: 3,
      isError: true,
      output: expect.stringContaining('from-the-sandbox'),
    })
  })

  it('stops a sandbox with nothing to do, says so, and starts it again with its files', async () => {
    const write = { name: 'bash', input: { command: 'echo kept > kept.txt' } }
    const read = { name: 'bash', input: { command: 'cat kept.txt' } }
    model.addScript('rest', [{ toolCalls: [write] }, { text: 'Resting.' }, { toolCalls: [read] }, { text: 'Back.' }])
    const tenant = await seedTenant(test.db)
    const sessionId = await seedSession(worker.parts, tenant, { prompt: '[[script:rest]]' })
    const resting = await worker.waitFor(sessionId, (row) => row.status === 'IDLE' && row['sandbox_state'] === 'SUSPENDED')
    expect(Number(resting['sandbox_ms'])).toBeGreaterThan(0)
    await sendMessage(worker.parts, tenant.caller, { sessionId, text: 'Go on.', mode: 'QUEUE' })
    await worker.waitFor(sessionId, (row) => row.status === 'IDLE' && row.turns === 4)
    const events = await worker.events(sessionId)
    expect(events.filter(({ type }) => type === 'sandbox.state').map(({ payload }) => payload['state'])).toEqual(
      expect.arrayContaining(['RUNNING', 'SUSPENDED', 'RUNNING']),
    )
    expect(events.filter(({ type }) => type === 'agent.tool_result').at(-1)?.payload).toMatchObject({ output: 'kept\n', exitCode: 0 })
  })
})
