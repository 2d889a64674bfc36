// Faults 25 to 27 where files are kept: kill -9 of the worker at each point of a checkpoint. The old one stays whole, the new one is
// either whole too or can't be chosen, and a person who waits for one gets it from whoever comes next.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { checkDatabase } from '@longhaul/core/src/checker/check-database.ts'
import { awaitCheckpoint, createCheckpoint } from '@longhaul/core/src/checkpoints/create-checkpoint.ts'
import { openSnapshotStore } from '@longhaul/core/src/checkpoints/open-snapshot-store.ts'
import { forkSession } from '@longhaul/core/src/forks/fork-session.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CHECKPOINT_CRASH_POINTS } from '../src/checkpoints/crash-points.ts'
import { readSessionEvents, waitForSession, waitForStatus } from '../testing/read-session.ts'
import { createWorkerProcesses, type WorkerProcesses } from '../testing/worker-process.ts'

let test: TestDatabase
let model: ScriptedModel
let workers: WorkerProcesses

beforeAll(async () => {
  model = await startScriptedModel()
  const bash = (command: string) => ({ toolCalls: [{ name: 'bash', input: { command } }] })
  model.addScript('write', [bash('echo kept >a; echo kept >~/b'), { text: 'Written.' }])
  model.addScript('read', [bash('cat a ~/b'), { text: 'Read.' }])
})
afterAll(() => model?.stop())
// A database each: what a row names must be in the store beside it.
beforeEach(async () => {
  test = await createTestDatabase()
  workers = await createWorkerProcesses({ test, model })
})
afterEach(async () => {
  await workers?.stop()
  await test?.close()
})

const writtenSession = async (env: Record<string, string> = {}) => {
  const mark = path.join(workers.dataDir, 'crashed')
  await rm(mark, { force: true })
  const parts = silentParts(test.db)
  const tenant = await seedTenant(test.db)
  const doomed = await workers.start({ ...env, CRASH_MARK: mark })
  const sessionId = await seedSession(parts, tenant, { prompt: '[[script:write]]' })
  await waitForStatus(test, sessionId, ['IDLE'])
  return { parts, tenant, doomed, sessionId }
}
type Written = Awaited<ReturnType<typeof writtenSession>>

const outputOf = async (sessionId: string): Promise<unknown> =>
  (await readSessionEvents(test, sessionId)).findLast(({ type }) => type === 'agent.tool_result')?.payload['output']
const readOn = async ({ parts, tenant, sessionId }: Written): Promise<void> => {
  const { head } = await waitForStatus(test, sessionId, ['IDLE'])
  await sendMessage(parts, tenant.caller, { sessionId, text: '[[script:read]]', mode: 'QUEUE' })
  await waitForSession(test, sessionId, (row) => row.status === 'IDLE' && row.head > head + 4, 30_000)
}
const expectClean = async (): Promise<void> => {
  const snapshots = openSnapshotStore({ dataDir: workers.dataDir })
  const { violations } = await checkDatabase({ databaseUrl: test.url, graceMs: 1_000, settled: true, snapshots })
  expect(violations).toEqual([])
}

describe('kill -9 of the worker that takes a checkpoint', () => {
  it.each(CHECKPOINT_CRASH_POINTS)(
    '%s: it becomes whole once, with its files, and can be forked',
    async (point) => {
      const written = await writtenSession({ CRASH_AT: point })
      const { parts, tenant, doomed, sessionId } = written
      const { checkpointId } = await createCheckpoint(parts, tenant.caller, { sessionId, label: 'mine' })
      expect(await doomed.exited).toMatchObject({ signal: 'SIGKILL' })
      await workers.start()
      await awaitCheckpoint(parts, { tenantId: tenant.tenantId, checkpointId })
      const said = (await readSessionEvents(test, sessionId)).filter(({ type }) => type === 'session.checkpointed')
      expect(said.map(({ payload }) => payload['checkpointId'])).toEqual([checkpointId])

      const forks = [{ title: null, prompt: '[[script:read]]', agentId: null, budgetNanos: null }]
      const { sessionIds } = await forkSession(parts, tenant.caller, { checkpointId, forks })
      const [fork = ''] = sessionIds
      await waitForStatus(test, fork, ['IDLE'], 30_000)
      expect(await outputOf(fork)).toBe('kept\nkept\n')
      await readOn(written)
      expect(await outputOf(sessionId)).toBe('kept\nkept\n')
      await expectClean()
    },
    90_000,
  )
})

describe('kill -9 of the worker that suspends a sandbox', () => {
  it.each(['checkpoint_begun', 'checkpoint_saved', 'checkpoint_whole'] as const)(
    '%s: the next turn finds all its files, and nothing is called lost',
    async (point) => {
      const written = await writtenSession({ CRASH_AT: point, SANDBOX_IDLE_MS: '1200', SANDBOX_SUSPEND_MS: '100' })
      expect(await written.doomed.exited).toMatchObject({ signal: 'SIGKILL' })
      await workers.start()
      await readOn(written)
      expect(await outputOf(written.sessionId)).toBe('kept\nkept\n')
      const events = await readSessionEvents(test, written.sessionId)
      expect(events.filter(({ type, payload }) => type === 'sandbox.state' && payload['state'] === 'LOST')).toEqual([])
      await expectClean()
    },
    90_000,
  )
})
