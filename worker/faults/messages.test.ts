// People's wishes in the middle of work: messages of each kind, pause, cancel, while the model speaks and while a tool runs.
import { cancelSession } from '@longhaul/core/src/sessions/cancel-session.ts'
import { pauseSession } from '@longhaul/core/src/sessions/pause-session.ts'
import { resumeSession } from '@longhaul/core/src/sessions/resume-session.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import type { MessagesRequest } from '@longhaul/core/testing/scripted-model/script.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import type { EventRow } from '../testing/read-session.ts'
import { startTestWorker, type TestWorker } from '../testing/test-worker.ts'

type Mode = 'QUEUE' | 'STEER' | 'INTERRUPT'
type Tenant = Awaited<ReturnType<typeof seedTenant>>

/** What interrupts must be over after this long. */
const DEAD_WITHIN_MS = 2_000

let scene: FaultScene
let worker: TestWorker
let tenant: Tenant
const docker = new Docker()

const bash = (command: string) => ({ name: 'bash', input: { command } })
const LONG_TOOL = bash('echo begun; sleep 300; echo ended')

beforeAll(async () => {
  scene = await createFaultScene()
  worker = await startTestWorker(scene)
  tenant = await seedTenant(scene.test.db)
  scene.model.addScript('speaks', [{ text: 'A long speech. '.repeat(120), chunkDelayMs: 50 }, { text: 'Heard.' }, { text: 'Heard again.' }])
  scene.model.addScript('short-speech', [{ text: 'A speech. '.repeat(20), chunkDelayMs: 50 }, { text: 'Heard.' }])
  scene.model.addScript('works', [{ toolCalls: [LONG_TOOL, bash('echo second')] }, { text: 'Heard.' }, { text: 'Heard again.' }])
  scene.model.addScript('works-a-while', [
    { toolCalls: [bash('sleep 2; echo first'), bash('echo second')] },
    { text: 'Heard.' },
    { text: 'Heard again.' },
  ])
})
afterAll(async () => {
  await worker?.stop()
  await scene?.stop()
})

const start = (script: string): Promise<string> =>
  seedSession(worker.parts, tenant, { prompt: `[[script:${script}]]`, budgetNanos: 1_000_000_000n })
const send = (sessionId: string, text: string, mode: Mode) => sendMessage(worker.parts, tenant.caller, { sessionId, text, mode })
/** The model has begun to speak. */
const spoken = (sessionId: string) => scene.model.waitForRequest(({ session }) => session === sessionId)
/** The first tool has begun to run: its process is there. */
const toolRuns = async (sessionId: string, command: string): Promise<void> => {
  await worker.waitFor(sessionId, ({ tool_calls }) => tool_calls === 1)
  while (!(await processes(sessionId)).includes(command)) await new Promise((resolve) => setTimeout(resolve, 20))
}
/** The commands that run in the session's sandbox; nothing when it does not run. */
const processes = async (sessionId: string): Promise<string> => {
  try {
    const { Processes } = (await docker.getContainer(`longhaul-${sessionId}`).top()) as { Processes: string[][] }
    return Processes.map((columns) => columns.at(-1)).join('\n')
  } catch {
    return '' // stopped, or removed
  }
}
const elapsedUntil = async (fits: () => Promise<boolean>, since: number): Promise<number> => {
  while (!(await fits())) {
    if (Date.now() - since > 30_000) throw new Error('it has not happened within 30 seconds')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return Date.now() - since
}
const idle = (sessionId: string) => worker.waitFor(sessionId, ({ status }) => status === 'IDLE', 90_000)
const results = (events: EventRow[]) =>
  events.filter(({ type }) => type === 'agent.tool_result').map(({ payload }) => [payload['outcome'], String(payload['output']).trim()])
/** Texts of the user's blocks that the model was sent last, in order. */
const lastUserTexts = (sessionId: string): string[] => {
  const body = scene.model.requests.findLast(({ session }) => session === sessionId)?.body as MessagesRequest
  return body.messages
    .filter(({ role }) => role === 'user')
    .flatMap(({ content }) => (typeof content === 'string' ? [content] : content.flatMap(({ text }) => text ?? [])))
}

describe('a message while the model speaks', () => {
  it('QUEUE: the answer is heard to its end, then the message is read', async () => {
    const sessionId = await start('short-speech')
    await spoken(sessionId)
    await send(sessionId, 'Later, please.', 'QUEUE')
    const { turns } = await worker.waitFor(sessionId, ({ status, turns: n }) => status === 'IDLE' && n === 2, 90_000)
    expect(turns).toBe(2)
    const types = await worker.eventTypes(sessionId)
    expect(types.lastIndexOf('user.message_read')).toBeGreaterThan(types.indexOf('agent.message'))
    await scene.expectClean()
  }, 180_000)

  it('INTERRUPT: the answer is cut off within two seconds, paid for as far as it came, and the message is read', async () => {
    const sessionId = await start('speaks')
    await spoken(sessionId)
    const since = Date.now()
    await send(sessionId, 'Stop and listen.', 'INTERRUPT')
    await scene.model.waitForRequest(({ session, body }) => session === sessionId && JSON.stringify(body).includes('Stop and listen.'))
    expect(Date.now() - since).toBeLessThan(DEAD_WITHIN_MS)
    await idle(sessionId)
    const { rows } = await scene.test.superuser.query('select basis from charge where session_id = $1 order by reserved_at', [sessionId])
    expect(rows.map(({ basis }) => basis)).toEqual(['estimated', 'exact'])
    await scene.expectClean()
  }, 180_000)

  it('three INTERRUPTs in a row: each is read once', async () => {
    const sessionId = await start('speaks')
    await spoken(sessionId)
    for (const text of ['One.', 'Two.', 'Three.']) await send(sessionId, text, 'INTERRUPT')
    await worker.waitFor(sessionId, ({ status }) => status === 'IDLE', 60_000)
    expect(lastUserTexts(sessionId).filter((text) => /^(One|Two|Three)\.$/.test(text))).toEqual(['One.', 'Two.', 'Three.'])
    await scene.expectClean()
  }, 180_000)
})

describe('a message while a tool runs', () => {
  it('QUEUE and STEER: the tools run to their end, STEER is read before the next answer, QUEUE when the work has ended', async () => {
    const sessionId = await start('works-a-while')
    await toolRuns(sessionId, 'sleep 2')
    await send(sessionId, 'When you are done.', 'QUEUE')
    await send(sessionId, 'By the way.', 'STEER')
    await worker.waitFor(sessionId, ({ status, turns }) => status === 'IDLE' && turns === 3, 90_000)
    const events = await worker.events(sessionId)
    expect(results(events)).toEqual([
      ['done', 'first'],
      ['done', 'second'],
    ])
    const reads = events.filter(({ type }) => type === 'user.message_read').map(({ payload }) => payload['seqs'])
    const seqOf = (text: string) => events.find(({ payload }) => payload['text'] === text)?.seq
    expect(reads.slice(1)).toEqual([[seqOf('By the way.')], [seqOf('When you are done.')]])
    await scene.expectClean()
  }, 180_000)

  it('INTERRUPT: its processes are dead within two seconds, the call not begun never begins, and the message is read', async () => {
    const sessionId = await start('works')
    await toolRuns(sessionId, 'sleep 300')
    const since = Date.now()
    await send(sessionId, 'Stop that.', 'INTERRUPT')
    expect(await elapsedUntil(async () => !(await processes(sessionId)).includes('sleep 300'), since)).toBeLessThan(DEAD_WITHIN_MS)
    await idle(sessionId)
    expect((await results(await worker.events(sessionId))).map(([outcome]) => outcome)).toEqual(['interrupted', 'not_run'])
    expect(lastUserTexts(sessionId)).toContain('Stop that.')
    await scene.expectClean()
  }, 180_000)
})

describe('a pause in the middle of tools', () => {
  it('lets the tool at hand end, starts no further one, and goes on there when it is resumed', async () => {
    const sessionId = await start('works-a-while')
    await toolRuns(sessionId, 'sleep 2')
    await pauseSession(worker.parts, tenant.caller, { sessionId })
    const paused = await worker.waitForStatus(sessionId, ['PAUSED'], 90_000)
    expect(paused.stop_reason).toBe('PAUSED_BY_USER')
    expect(results(await worker.events(sessionId))).toEqual([['done', 'first']])
    await scene.expectClean()
    await resumeSession(worker.parts, tenant.caller, { sessionId })
    await idle(sessionId)
    expect(results(await worker.events(sessionId))).toEqual([
      ['done', 'first'],
      ['done', 'second'],
    ])
    await scene.expectClean()
  }, 180_000)

  it('taken back before it is obeyed changes nothing', async () => {
    const sessionId = await start('works-a-while')
    await toolRuns(sessionId, 'sleep 2')
    await pauseSession(worker.parts, tenant.caller, { sessionId })
    await resumeSession(worker.parts, tenant.caller, { sessionId })
    await idle(sessionId)
    const statuses = (await worker.events(sessionId))
      .filter(({ type }) => type === 'session.status')
      .map(({ payload }) => payload['status'])
    expect(statuses).toEqual(['QUEUED', 'RUNNING', 'IDLE'])
    await scene.expectClean()
  }, 180_000)

  it('and a message that interrupts: the message is heard, the work goes on', async () => {
    const sessionId = await start('works')
    await toolRuns(sessionId, 'sleep 300')
    await pauseSession(worker.parts, tenant.caller, { sessionId })
    await send(sessionId, 'Stop that and go on.', 'INTERRUPT')
    await idle(sessionId)
    expect(lastUserTexts(sessionId)).toContain('Stop that and go on.')
    await scene.expectClean()
  }, 180_000)
})

describe('a cancel', () => {
  it('in the middle of a tool: its processes are dead within two seconds, and its sandbox goes', async () => {
    const sessionId = await start('works')
    await toolRuns(sessionId, 'sleep 300')
    const since = Date.now()
    await cancelSession(worker.parts, tenant.caller, { sessionId, reason: 'No longer wanted.' })
    scene.note({ kind: 'status', sessionId, status: 'CANCELED' })
    expect(await elapsedUntil(async () => !(await processes(sessionId)).includes('sleep 300'), since)).toBeLessThan(DEAD_WITHIN_MS)
    await elapsedUntil(async () => !(await worker.parts.sandboxes.provider.list()).some((found) => found.sessionId === sessionId), since)
    expect((await worker.waitForStatus(sessionId, ['CANCELED'])).stop_reason).toBe('CANCELED_BY_USER')
    expect((await worker.eventTypes(sessionId)).at(-1)).toBe('session.status')
    await scene.expectClean({ dockerHost: 'unix:///var/run/docker.sock' })
  }, 180_000)

  it('while the model speaks: the call is cut off within two seconds, and what it cost is charged', async () => {
    const sessionId = await start('speaks')
    await spoken(sessionId)
    const since = Date.now()
    await cancelSession(worker.parts, tenant.caller, { sessionId, reason: null })
    const charged = async () =>
      (await scene.test.superuser.query('select basis from charge where session_id = $1', [sessionId])).rows.map(({ basis }) => basis)
    expect(await elapsedUntil(async () => (await charged()).length === 1, since)).toBeLessThan(DEAD_WITHIN_MS)
    expect(await charged()).toEqual(['estimated'])
    await scene.expectClean()
  }, 180_000)
})
