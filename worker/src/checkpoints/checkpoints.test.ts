import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { awaitCheckpoint, createCheckpoint } from '@longhaul/core/src/checkpoints/create-checkpoint.ts'
import { askForFiles } from '@longhaul/core/src/files/ask-for-files.ts'
import { forkSession } from '@longhaul/core/src/forks/fork-session.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import type { Step } from '@longhaul/core/testing/scripted-model/script.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { EventRow } from '../../testing/read-session.ts'
import { startTestWorker, type TestWorker } from '../../testing/test-worker.ts'

let test: TestDatabase
let model: ScriptedModel
let worker: TestWorker
type Tenant = Awaited<ReturnType<typeof seedTenant>>
let tenant: Tenant

beforeAll(async () => {
  test = await createTestDatabase()
  model = await startScriptedModel()
})
afterAll(async () => {
  await model?.stop()
  await test?.close()
})
afterEach(() => worker?.stop())

const start = async (env: Record<string, string> = {}): Promise<void> => {
  worker = await startTestWorker({ test, model, env })
  tenant = await seedTenant(test.db)
}
const bash = (command: string): Step => ({ toolCalls: [{ name: 'bash', input: { command } }] })
let scripts = 0
/** A script under a name of its own, as the text that picks it. */
const script = (...steps: Step[]): string => {
  model.addScript(`step-${++scripts}`, [...steps, { text: 'Done.' }])
  return `[[script:step-${scripts}]]`
}
const begin = async (...steps: Step[]): Promise<string> => {
  const sessionId = await seedSession(worker.parts, tenant, { prompt: script(...steps) })
  await worker.waitForStatus(sessionId, ['IDLE'])
  return sessionId
}
const goOn = async (sessionId: string, ...steps: Step[]): Promise<EventRow[]> => {
  const before = (await worker.events(sessionId)).length
  await sendMessage(worker.parts, tenant.caller, { sessionId, text: script(...steps), mode: 'QUEUE' })
  await worker.waitFor(sessionId, ({ status, head }) => status === 'IDLE' && head > before + 2)
  return (await worker.events(sessionId)).filter(({ seq }) => seq > before)
}
const checkpoint = async (sessionId: string): Promise<string> => {
  const { checkpointId } = await createCheckpoint(worker.parts, tenant.caller, { sessionId, label: null })
  await awaitCheckpoint(worker.parts, { tenantId: tenant.tenantId, checkpointId })
  return checkpointId
}
const rowOf = async (id: string): Promise<Record<string, unknown>> =>
  (await test.superuser.query('select * from checkpoint where id = $1', [id])).rows[0]
const stored = async (id: string): Promise<Record<string, unknown>> => {
  for (;;) {
    const row = await rowOf(id)
    if (row['snapshot_id'] !== null) return row
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}
const results = (events: EventRow[]): unknown[] =>
  events.filter(({ type }) => type === 'agent.tool_result').map(({ payload }) => payload['output'])
const states = (events: EventRow[]) => events.filter(({ type }) => type === 'sandbox.state').map(({ payload }) => payload)
const loseSandbox = async (sessionId: string): Promise<void> => {
  const { rows } = await test.superuser.query('select sandbox_id from session where id = $1', [sessionId])
  worker.parts.sandboxes.forget({ sessionId, epoch: Number.POSITIVE_INFINITY })
  await worker.parts.sandboxes.provider.removeById(rows[0].sandbox_id)
}

describe('a checkpoint of a running session', () => {
  it('is taken before the model is asked again, and holds exactly what the calls before it did', async () => {
    await start()
    const prompt = script(bash('sleep 2; echo 1 >a'), { ...bash('echo 2 >b'), delayMs: 1_000 })
    const sessionId = await seedSession(worker.parts, tenant, { prompt })
    await worker.waitFor(sessionId, ({ tool_calls: calls }) => calls === 1)
    const id = await checkpoint(sessionId)
    await worker.waitForStatus(sessionId, ['IDLE'])
    const events = await worker.events(sessionId)
    const [first, second] = events.filter(({ type }) => type === 'agent.tool_result')
    const { seq, context } = await rowOf(id)
    expect(Number(seq)).toBeGreaterThanOrEqual(first?.seq ?? 0)
    expect(Number(seq)).toBeLessThan(second?.seq ?? 0)
    expect(context).toMatchObject({ openCalls: [], unread: [] })

    const forks = [{ title: null, prompt: script(bash('ls')), agentId: null, budgetNanos: null }]
    const { sessionIds } = await forkSession(worker.parts, tenant.caller, { checkpointId: id, forks })
    await worker.waitForStatus(sessionIds[0] ?? '', ['IDLE'])
    expect(results(await worker.events(sessionIds[0] ?? ''))).toEqual(['a\n'])
  }, 60_000)
})

describe('a sandbox that is lost', () => {
  it('begins again from the newest checkpoint, with what lies outside the workspace, and the agent is told which calls are not in it', async () => {
    await start()
    const sessionId = await begin(bash('echo kept >a; echo kept >~/b'))
    const id = await checkpoint(sessionId)
    const [lost] = (await goOn(sessionId, bash('echo gone >c; echo changed >a'))).filter(({ type }) => type === 'agent.tool_call')
    const look = { tenantId: tenant.tenantId, sessionId, op: 'read' as const, path: 'a' }
    expect(await askForFiles(worker.parts, look)).toMatchObject({ file: { text: 'changed\n' } })
    expect(await askForFiles(worker.parts, { ...look, checkpointId: id })).toMatchObject({ file: { text: 'kept\n' } })
    await expect(askForFiles(worker.parts, { ...look, checkpointId: 'ckp_none' })).rejects.toThrow(/no checkpoint/)
    await loseSandbox(sessionId)
    const events = await goOn(sessionId, bash('cat a ~/b; ls'))
    expect(states(events)).toMatchObject([
      { state: 'LOST', lostCalls: [lost?.seq], checkpointId: id, kept: 'everything' },
      { state: 'RUNNING', checkpointId: id },
    ])
    expect(results(events)).toEqual(['kept\nkept\na\n'])
    expect(JSON.stringify(model.requests.at(-1)?.body.messages)).toContain(`numbers in the log): ${lost?.seq}`)
  }, 60_000)

  it('begins again from the stored archive where the image is gone too, and the agent is told that only /workspace is there', async () => {
    await start()
    const sessionId = await begin(bash('mkdir d; echo kept >d/a; ln -s a d/l; ln d/a d/h; chmod 600 d/a; echo gone >~/b'))
    const id = await checkpoint(sessionId)
    await stored(id)
    await loseSandbox(sessionId)
    await worker.parts.sandboxes.provider.images?.remove(id)
    // A fork that has not begun shows what it will begin with.
    const idle = [{ title: null, prompt: null, agentId: null, budgetNanos: null }]
    const { sessionIds } = await forkSession(worker.parts, tenant.caller, { checkpointId: id, forks: idle })
    const look = { tenantId: tenant.tenantId, sessionId: sessionIds[0] ?? '' }
    expect(await askForFiles(worker.parts, { ...look, op: 'read', path: 'd/a' })).toMatchObject({ file: { text: 'kept\n' } })
    expect(await askForFiles(worker.parts, { ...look, op: 'list', path: 'd' })).toMatchObject({ entries: [{}, {}, {}] })
    expect(await askForFiles(worker.parts, { ...look, op: 'read', path: 'd/none' })).toBeNull()
    const events = await goOn(sessionId, bash('cat d/a d/l d/h; stat -c "%a %U" d/a; cat ~/b || true'))
    expect(states(events)).toMatchObject([
      { state: 'LOST', lostCalls: [], kept: 'workspace' },
      { state: 'RUNNING', kept: 'workspace' },
    ])
    expect(results(events)[0]).toMatch(/^kept\nkept\nkept\n600 \S+\ncat: .*No such file/)
  }, 60_000)

  it('begins again from the checkpoint before, when the newest is not what was stored', async () => {
    await start()
    const sessionId = await begin(bash('echo 1 >a'))
    const older = await checkpoint(sessionId)
    await goOn(sessionId, bash('echo 2 >a'))
    const newer = await checkpoint(sessionId)
    const snapshots = await Promise.all([stored(older), stored(newer)])
    await loseSandbox(sessionId)
    for (const id of [older, newer]) await worker.parts.sandboxes.provider.images?.remove(id)
    await spoil(String(snapshots[1]['snapshot_id']))
    const events = await goOn(sessionId, bash('cat a'))
    expect(states(events)).toMatchObject([
      { state: 'LOST', checkpointId: older },
      { state: 'RUNNING', checkpointId: older },
    ])
    expect(results(events)).toEqual(['1\n'])
    expect((await rowOf(newer))['problem']).toMatch(/not what was stored/)
  }, 60_000)
})

const spoil = async (snapshotId: string): Promise<void> => {
  const { rows } = await test.superuser.query('select content_hash as hash from snapshot where id = $1', [snapshotId])
  for (const entry of await readdir(worker.dataDir, { recursive: true, withFileTypes: true }))
    if (
      entry.isFile() &&
      (entry.name.includes(rows[0].hash) || path.join(entry.parentPath, entry.name).replaceAll('/', '').includes(rows[0].hash))
    )
      await writeFile(path.join(entry.parentPath, entry.name), 'something else')
}

describe('a session at work', () => {
  it('is checkpointed by itself, so that a lost sandbox costs the calls since then and no more', async () => {
    await start({ CHECKPOINT_EVERY_CALLS: '2', CHECKPOINT_MIN_MS: '0' })
    const steps = [1, 2, 3].map((n) => ({ ...bash(`echo ${n} >>lines`), delayMs: 200 }))
    const sessionId = await begin(...steps)
    const points = (await worker.events(sessionId)).filter(({ type }) => type === 'session.checkpointed')
    expect(points.map(({ payload }) => payload['trigger'])).toEqual(['CADENCE'])
    const calls = (await worker.events(sessionId)).filter(({ type }) => type === 'agent.tool_call')
    await loseSandbox(sessionId)
    const events = await goOn(sessionId, bash('cat lines'))
    expect(results(events)).toEqual(['1\n2\n'])
    expect(states(events)[0]).toMatchObject({ state: 'LOST', lostCalls: [calls[2]?.seq], checkpointId: points[0]?.payload['checkpointId'] })
  }, 60_000)
})

describe('a sandbox that has long had nothing to do', () => {
  it('becomes an image, costs no container, and comes back whole, as often as it likes', async () => {
    await start({ SANDBOX_IDLE_MS: '1500', SANDBOX_SUSPEND_MS: '100' })
    const sessionId = await begin(bash('echo 0 >n; echo installed >~/tool'))
    for (let cycle = 1; cycle <= 3; cycle++) {
      await worker.waitFor(sessionId, (row) => row['sandbox_state'] === 'SUSPENDED' && row['sandbox_id'] === null)
      const { provider } = worker.parts.sandboxes
      while ((await provider.list()).some((container) => container.sessionId === sessionId))
        await new Promise((done) => setTimeout(done, 20))
      const look = { tenantId: tenant.tenantId, sessionId, op: 'read' as const, path: 'n' }
      expect(await askForFiles(worker.parts, look)).toMatchObject({ file: { text: `${cycle - 1}\n` } })
      const events = await goOn(sessionId, bash(`echo $(($(cat n) + 1)) >n; cat n ~/tool`))
      expect(results(events)).toEqual([`${cycle}\ninstalled\n`])
      expect(states(events).map(({ state }) => state)).not.toContain('LOST')
    }
  }, 60_000)
})

describe('a sandbox that somebody else removed while it rested', () => {
  it('is said to be gone, is tried no more, and its agent reads what was lost when it goes on', async () => {
    await start({ SANDBOX_IDLE_MS: '1500', SANDBOX_SUSPEND_MS: '100' })
    const sessionId = await begin(bash('echo mine >n'))
    const { rows } = await test.superuser.query('select sandbox_id from session where id = $1', [sessionId])
    await worker.parts.sandboxes.provider.removeById(rows[0].sandbox_id)
    await worker.waitFor(sessionId, (row) => row['sandbox_state'] === 'GONE')
    const { rows: taken } = await test.superuser.query('select state from checkpoint where session_id = $1', [sessionId])
    expect(taken).toEqual([])
    const events = await goOn(sessionId, bash('ls'))
    expect(states(events).map(({ state }) => state)).toEqual(['LOST', 'RUNNING'])
    expect(results(events)).toEqual([''])
  }, 60_000)
})

describe('without an engine', () => {
  it('a checkpoint keeps the workspace, and a fork begins with it', async () => {
    await start({ SANDBOX: 'process', SANDBOX_UNSAFE: '1' })
    const sessionId = await begin(bash('mkdir d; echo kept >d/a'))
    const id = await checkpoint(sessionId)
    const forks = [{ title: null, prompt: script(bash('cat d/a; echo mine >d/b')), agentId: null, budgetNanos: null }]
    const { sessionIds } = await forkSession(worker.parts, tenant.caller, { checkpointId: id, forks })
    await worker.waitForStatus(sessionIds[0] ?? '', ['IDLE'])
    expect(results(await worker.events(sessionIds[0] ?? ''))).toEqual(['kept\n'])
    expect(results(await goOn(sessionId, bash('ls d')))).toEqual(['a\n'])
  }, 60_000)
})
