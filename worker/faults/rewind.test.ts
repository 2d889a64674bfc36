// kill -9 of the worker that goes on with a session which was taken back: at whatever step it dies, the next one goes on with the files of
// the checkpoint, and the sandbox that held what was undone is in nobody's way.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { checkDatabase } from '@longhaul/core/src/checker/check-database.ts'
import { awaitCheckpoint, createCheckpoint } from '@longhaul/core/src/checkpoints/create-checkpoint.ts'
import { rewindSession } from '@longhaul/core/src/checkpoints/rewind-session.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSessionEvents, waitForSession, waitForStatus } from '../testing/read-session.ts'
import { createWorkerProcesses, type WorkerProcesses } from '../testing/worker-process.ts'

let test: TestDatabase
let model: ScriptedModel
let workers: WorkerProcesses

beforeAll(async () => {
  test = await createTestDatabase()
  model = await startScriptedModel()
  workers = await createWorkerProcesses({ test, model })
  const bash = (command: string) => ({ toolCalls: [{ name: 'bash', input: { command } }], chunkDelayMs: 5 })
  model.addScript('write', [bash('echo kept >a; echo kept >~/b'), { text: 'Written.' }])
  model.addScript('spoil', [bash('echo spoilt >a; echo spoilt >~/b'), { text: 'Spoilt.' }])
  model.addScript('read', [
    bash('sleep 0.2; cat a ~/b'),
    { text: 'Read, and said at some length, so that there is a stream.', chunkDelayMs: 5 },
  ])
})
afterAll(async () => {
  await workers?.stop()
  await model?.stop()
  await test?.close()
})

const say = async ({ parts, tenant, sessionId }: Spoilt, text: string): Promise<void> => {
  await sendMessage(parts, tenant.caller, { sessionId, text, mode: 'QUEUE' })
}
const rested = async (sessionId: string, after: number) =>
  waitForSession(test, sessionId, (row) => row.status === 'IDLE' && row.head > after + 4, 30_000)

type Spoilt = Awaited<ReturnType<typeof spoiltSession>>

const spoiltSession = async () => {
  const parts = silentParts(test.db)
  const tenant = await seedTenant(test.db)
  const sessionId = await seedSession(parts, tenant, { prompt: '[[script:write]]' })
  const { head } = await waitForStatus(test, sessionId, ['IDLE'])
  const { checkpointId } = await createCheckpoint(parts, tenant.caller, { sessionId, label: 'good' })
  await awaitCheckpoint(parts, { tenantId: tenant.tenantId, checkpointId })
  const spoilt = { parts, tenant, sessionId, checkpointId }
  await say(spoilt, '[[script:spoil]]')
  await rested(sessionId, head)
  return spoilt
}

/** Around the making of the new sandbox: nothing of it is there, it is on its way, it is there and in the log. */
const POINTS = ['after_claim', 'mid_stream', 'after_call_logged'] as const

describe('kill -9 of the worker that goes on after a rewind', () => {
  let spoilt: Spoilt[]
  beforeAll(async () => {
    const first = await workers.start()
    spoilt = await Promise.all(POINTS.map(spoiltSession))
    first.child.kill('SIGKILL')
    await first.exited
  }, 60_000)

  it.each(POINTS.map((point, index) => ({ point, index })))(
    '$point: the next one goes on with the files of the checkpoint',
    async ({ point, index }) => {
      const { parts, tenant, sessionId, checkpointId } = spoilt[index] as Spoilt
      await rewindSession(parts, tenant.caller, { checkpointId, sessionId: null, axis: 'BOTH' })
      const mark = path.join(workers.dataDir, 'crashed')
      await rm(mark, { force: true })
      const doomed = await workers.start({ CRASH_AT: point, CRASH_MARK: mark })
      const { rows } = await test.superuser.query<{ head: number }>('select head from session where id = $1', [sessionId])
      await say({ parts, tenant, sessionId, checkpointId }, '[[script:read]]')
      expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' })
      const last = await workers.start()
      await rested(sessionId, rows[0]?.head ?? 0)

      const events = await readSessionEvents(test, sessionId)
      const results = events.filter(({ type, seq }) => type === 'agent.tool_result' && seq > (rows[0]?.head ?? 0))
      expect(results.map(({ payload }) => payload['output'])).toEqual(['kept\nkept\n'])
      expect(events.filter(({ type, payload }) => type === 'sandbox.state' && payload['state'] === 'LOST')).toEqual([])
      const { violations } = await checkDatabase({ databaseUrl: test.url, graceMs: 1_000, settled: true })
      expect(violations).toEqual([])
      last.child.kill('SIGKILL')
      await last.exited
    },
    60_000,
  )
})
