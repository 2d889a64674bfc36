import { askForFiles } from '@longhaul/core/src/files/ask-for-files.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import type { Step } from '@longhaul/core/testing/scripted-model/script.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestWorker, type TestWorker } from '../../testing/test-worker.ts'
import { startReaping } from '../consumers/reap.ts'
import { recordSuspended } from './record-suspended.ts'
import type { SandboxProvider } from './sandbox.ts'

let test: TestDatabase
let model: ScriptedModel
let worker: TestWorker
let tenant: Awaited<ReturnType<typeof seedTenant>>

beforeAll(async () => {
  test = await createTestDatabase()
  model = await startScriptedModel()
  worker = await startTestWorker({ test, model, env: { SANDBOX_IDLE_MS: '1000', SANDBOX_PAUSED_MAX: '1', LEASE_MS: '10000' } })
  tenant = await seedTenant(test.db)
})
afterAll(async () => {
  await worker?.stop()
  await model?.stop()
  await test?.close()
})

let scripts = 0
const script = (command: string): string => {
  const step: Step = { toolCalls: [{ name: 'bash', input: { command } }] }
  model.addScript(`step-${++scripts}`, [step, { text: 'Done.' }])
  return `[[script:step-${scripts}]]`
}
const rested = async (sessionId: string, state: 'paused' | 'stopped'): Promise<void> => {
  await worker.waitFor(sessionId, (row) => row['sandbox_state'] === 'SUSPENDED')
  while ((await stateOf(sessionId)) !== state) await new Promise((done) => setTimeout(done, 20))
}
const stateOf = async (sessionId: string): Promise<string | undefined> => {
  const found = (await worker.parts.sandboxes.provider.list()).find((container) => container.sessionId === sessionId)
  return found && (found.paused ? 'paused' : found.running ? 'running' : 'stopped')
}
const begin = async (command: string): Promise<string> => {
  const sessionId = await seedSession(worker.parts, tenant, { prompt: script(command) })
  await worker.waitForStatus(sessionId, ['IDLE'])
  return sessionId
}
const goOn = async (sessionId: string, command: string): Promise<unknown> => {
  const { turns } = await worker.waitFor(sessionId, () => true)
  await sendMessage(worker.parts, tenant.caller, { sessionId, text: script(command), mode: 'QUEUE' })
  await worker.waitFor(sessionId, (row) => row.status === 'IDLE' && row.turns === turns + 2)
  return (await worker.events(sessionId)).findLast(({ type }) => type === 'agent.tool_result')?.payload['output']
}
const background = '(while :; do sleep 1; done) >/dev/null 2>&1 & echo $! >pid; echo mine >n'

it('a sandbox with nothing to do is frozen with what runs in it, can be looked into, and goes on where it was', async () => {
  const sessionId = await begin(background)
  for (let time = 1; time <= 2; time++) {
    await rested(sessionId, 'paused')
    expect(worker.parts.sandboxes.attached()).toEqual([])
    const look = { tenantId: tenant.tenantId, sessionId, op: 'read' as const, path: 'n' }
    expect(await askForFiles(worker.parts, look)).toMatchObject({ file: { text: 'mine\n' } })
    expect(await stateOf(sessionId)).toBe('paused')
    expect(await goOn(sessionId, 'kill -0 $(cat pid) && echo alive')).toBe('alive\n')
  }
  const states = (await worker.events(sessionId)).filter(({ type }) => type === 'sandbox.state')
  expect(states.slice(0, 3).map(({ payload }) => payload['state'])).toEqual(['RUNNING', 'SUSPENDED', 'RUNNING'])
}, 40_000)

it('the one that has rested longest gives up its place, and begins again with its files', async () => {
  const older = await begin(background)
  await rested(older, 'paused')
  const newer = await begin(background)
  await rested(newer, 'paused')
  await rested(older, 'stopped')
  expect(await goOn(older, 'cat n')).toBe('mine\n')
  await rested(newer, 'stopped')
}, 40_000)

it('one whose turn began while it was being frozen goes on at once', async () => {
  const { provider } = worker.parts.sandboxes
  const pause = provider.pause.bind(provider)
  const { promise: working, resolve: hasBegun } = Promise.withResolvers<void>()
  let answer: Promise<unknown> | null = null
  provider.pause = async (sessionId) => {
    if (answer !== null) return pause(sessionId)
    answer = goOn(sessionId, 'echo begun >begun; sleep 0.5; cat n')
    const sandboxId = (await provider.list()).find((container) => container.sessionId === sessionId)?.id ?? ''
    while ((await provider.readWorkspace({ sessionId, sandboxId }, '/workspace/begun')) === null)
      await new Promise((done) => setTimeout(done, 20))
    const paused = await pause(sessionId)
    hasBegun()
    return paused
  }
  const sessionId = await begin('echo mine >n')
  await working
  expect(await answer).toBe('mine\n')
  provider.pause = pause
  await rested(sessionId, 'paused')
}, 40_000)

it('one that a worker froze and could not record is stopped by the reaper', async () => {
  const sessionId = await begin('echo mine >n')
  await rested(sessionId, 'paused')
  await test.superuser.query("update session set sandbox_state = 'RUNNING', updated_at = now() - interval '1 hour' where id = $1", [
    sessionId,
  ])
  const { db, sandboxes } = worker.parts
  const list = async () => (await sandboxes.provider.list()).map((container) => ({ ...container, createdAt: new Date(0) }))
  const { provider: real } = sandboxes
  const provider = {
    ...real,
    list,
    engineId: () => real.engineId(),
    stop: (id: string) => real.stop(id),
    images: null,
    setUps: null,
  } as SandboxProvider
  const reaper = startReaping(
    {
      db,
      workerId: worker.worker.workerId,
      provider,
      logger: createLogger({ name: 'test', level: 'silent' }),
      idleMs: 60_000,
      isAttached: () => false,
      onSuspended: (session) => recordSuspended(worker.parts, session),
      suspendIdle: async () => {},
      stopPaused: async () => {},
    },
    3_600_000,
  )
  await reaper.reapNow()
  await reaper.stop()
  await rested(sessionId, 'stopped')
}, 40_000)
