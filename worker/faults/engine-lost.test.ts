// An engine that is gone with its workers: what was with it goes on at another engine, from its newest stored checkpoint, and the agent is
// told exactly what is not in it. Who was away and comes back writes nothing.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { type EventRow, readSessionEvents, waitForSession, waitForStatus } from '../testing/read-session.ts'
import { type DockerEngine, startDockerEngine } from '../testing/start-docker-engine.ts'
import { waitForHolder } from '../testing/turn-holder.ts'
import { createWorkerProcesses, type WorkerProcess, type WorkerProcesses } from '../testing/worker-process.ts'

const bash = (command: string) => ({ name: 'bash', input: { command } })
const write = (file_path: string, content: string) => ({ name: 'write', input: { file_path, content } })

let engine: DockerEngine
let scene: FaultScene
let workers: WorkerProcesses
let elsewhere: WorkerProcess
const ofType = (events: EventRow[], type: string) => events.filter((event) => event.type === type)
const events = (sessionId: string) => readSessionEvents(scene.test, sessionId)
const startDoomed = () => workers.start({ DOCKER_HOST: engine.host })
const engineOf = async (sessionId: string) => (await waitForSession(scene.test, sessionId, () => true))['engine_id']

beforeAll(async () => {
  engine = await startDockerEngine({ image: process.env['SANDBOX_IMAGE'] ?? '' })
  scene = await createFaultScene()
  const short = { MOVE_AFTER_MS: '600', CHECKPOINT_EVERY_CALLS: '1', CHECKPOINT_MIN_MS: '0', SANDBOX_IDLE_MS: '60000' }
  workers = await createWorkerProcesses({ ...scene, env: short })
  scene.model.addScript('long', [
    { toolCalls: [bash('echo 1 > kept.txt; echo outside > ~/outside')] },
    { toolCalls: [bash('echo 2 >> kept.txt')], delayMs: 600 },
    { toolCalls: [write('notes.txt', 'noted\n'), bash('echo 3 >> kept.txt; sleep 300')] },
    { toolCalls: [bash('cat kept.txt; ls')] },
    { text: 'Done.' },
  ])
  scene.model.addScript('short', [{ toolCalls: [bash('echo all of it > whole.txt')] }, { text: 'Done.' }])
  scene.model.addScript('look', [{ toolCalls: [bash('cat whole.txt')] }, { text: 'Done.' }])
}, 180_000)
afterAll(async () => {
  await workers?.stop()
  await scene?.stop()
  await engine?.stop()
}, 60_000)

/** At work on the engine that will be gone: files checkpointed and stored, more written, and a tool running. */
const beginOnDoomed = async (): Promise<string> => {
  const sessionId = await seedSession(silentParts(scene.test.db), await seedTenant(scene.test.db), { prompt: '[[script:long]]' })
  await waitForSession(scene.test, sessionId, ({ tool_calls }) => tool_calls === 4, 60_000)
  for (;;) {
    const { rows } = await scene.test.superuser.query('select 1 from checkpoint where session_id = $1 and snapshot_id is not null', [
      sessionId,
    ])
    if (rows.length > 0) return sessionId
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const expectMoved = async (sessionId: string): Promise<void> => {
  await waitForStatus(scene.test, sessionId, ['IDLE'], 60_000)
  const log = await events(sessionId)
  const [first, lost, second] = ofType(log, 'sandbox.state').map(({ payload }) => payload)
  expect(second).toMatchObject({ state: 'RUNNING', kept: 'workspace', checkpointId: lost?.['checkpointId'] })
  expect(second?.['engineId']).not.toBe(first?.['engineId'])
  // Which checkpoint was stored in time is the machine's matter; what is said to be lost is what came after it.
  const calls = ofType(log, 'agent.tool_call')
  expect(lost).toMatchObject({
    state: 'LOST',
    lostCalls: calls
      .filter(({ seq }) => seq > Number(lost?.['checkpointSeq']))
      .map(({ seq }) => seq)
      .slice(0, -1),
  })
  const results = ofType(log, 'agent.tool_result').map(({ payload }) => [payload['outcome'], payload['output']])
  expect(results.slice(3).map(([outcome]) => outcome)).toEqual(['outcome_unknown', 'done'])
  const kept = Number(lost?.['checkpointSeq']) > Number(calls[1]?.seq) ? '1\n2\n' : '1\n'
  expect(results.at(-1)?.[1]).toBe(`${kept}kept.txt\n`)
  const told = JSON.stringify(scene.model.requests.at(-1)?.body.messages)
  expect(told).toContain(`${calls[2]?.seq} only wrote files`)
}

it('a worker that was frozen finds its session moved, and writes nothing', async () => {
  const doomed = await startDoomed()
  const sessionId = await beginOnDoomed()
  elsewhere = await workers.start()
  const { workerId } = await waitForHolder(scene.test, sessionId)
  doomed.child.kill('SIGSTOP')
  await expectMoved(sessionId)
  const [moved, log] = [await engineOf(sessionId), await events(sessionId)]
  doomed.child.kill('SIGCONT')
  for (let alive = false; !alive; ) {
    const { rows } = await scene.test.superuser.query(
      "select 1 from lease where engine_id <> $1 and kind = 'worker' and worker_id <> $2 and expires_at > clock_timestamp()",
      [moved, workerId],
    )
    alive = rows.length > 0
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  doomed.child.kill('SIGTERM')
  await doomed.exited
  expect(await events(sessionId)).toEqual(log)
  expect(await engineOf(sessionId)).toBe(moved)
  await scene.expectClean()
}, 120_000)

it('an engine that is emptied loses nothing: its sessions go on elsewhere at once, with all files of their workspace', async () => {
  elsewhere.child.kill('SIGSTOP') // so that it begins where it is wanted
  const doomed = await startDoomed()
  const parts = silentParts(scene.test.db)
  const tenant = await seedTenant(scene.test.db)
  const sessionId = await seedSession(parts, tenant, { prompt: '[[script:short]]' })
  await waitForStatus(scene.test, sessionId, ['IDLE'], 60_000)
  elsewhere.child.kill('SIGCONT')
  const draining = fork(path.join(import.meta.dirname, '../src/main.ts'), ['--drain'], {
    env: { ...process.env, DATABASE_URL: scene.test.url, DATA_DIR: workers.dataDir, DOCKER_HOST: engine.host, LOG_LEVEL: 'silent' },
  })
  const [code] = await once(draining, 'exit')
  expect(code).toBe(0)
  expect((await engine.docker.listContainers({ all: true })).filter(({ Labels }) => Labels['longhaul.session'] === sessionId)).toEqual([])
  await sendMessage(parts, tenant.caller, { sessionId, text: '[[script:look]]', mode: 'QUEUE' })
  await waitForSession(scene.test, sessionId, ({ status, tool_calls }) => status === 'IDLE' && tool_calls === 2, 60_000)
  const log = await events(sessionId)
  expect(ofType(log, 'agent.tool_result').at(-1)?.payload['output']).toBe('all of it\n')
  expect(ofType(log, 'sandbox.state').map(({ payload }) => payload['state'])).toEqual(['RUNNING', 'SUSPENDED', 'LOST', 'RUNNING'])
  expect(ofType(log, 'sandbox.state')[2]?.payload).toMatchObject({ lostCalls: [], kept: 'workspace' })
  doomed.child.kill('SIGTERM')
  await doomed.exited
  await scene.expectClean()
}, 120_000)

it('a session goes on at another engine when its own is gone with its worker, in the middle of a tool', async () => {
  elsewhere.child.kill('SIGSTOP') // so that it begins where it is wanted
  const doomed = await startDoomed()
  const sessionId = await beginOnDoomed()
  elsewhere.child.kill('SIGCONT')
  doomed.child.kill('SIGKILL')
  await engine.kill()
  await expectMoved(sessionId)
  await scene.expectClean()
}, 120_000)
