import { rm } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { checkDatabase } from '@longhaul/core/src/checker/check-database.ts'
import { awaitCheckpoint, createCheckpoint } from '@longhaul/core/src/checkpoints/create-checkpoint.ts'
import { openSnapshotStore } from '@longhaul/core/src/checkpoints/open-snapshot-store.ts'
import { parseConfig } from '@longhaul/core/src/config.ts'
import { acceptUpload } from '@longhaul/core/src/files/accept-upload.ts'
import { type ArchiveKind, storeUpload } from '@longhaul/core/src/files/store-upload.ts'
import { forkSession } from '@longhaul/core/src/forks/fork-session.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { rawTar } from '@longhaul/core/testing/raw-tar.ts'
import type { Step } from '@longhaul/core/testing/scripted-model/script.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EventRow, readSessionEvents, waitForSession, waitForStatus } from '../../testing/read-session.ts'
import { createWorkerProcesses, type WorkerProcesses } from '../../testing/worker-process.ts'
import { openSandboxProvider } from '../sandboxes/open-sandbox-provider.ts'

let test: TestDatabase
let model: ScriptedModel
let workers: WorkerProcesses
let tenant: Awaited<ReturnType<typeof seedTenant>>

beforeAll(async () => {
  model = await startScriptedModel()
})
afterAll(() => model?.stop())
const open = async (): Promise<void> => {
  test = await createTestDatabase()
  workers = await createWorkerProcesses({ test, model })
  tenant = await seedTenant(test.db)
}
const close = async (): Promise<void> => {
  await workers?.stop()
  await test?.close()
}

const bash = (command: string): Step => ({ toolCalls: [{ name: 'bash', input: { command } }] })
let scripts = 0
const script = (...steps: Step[]): string => {
  model.addScript(`upload-${++scripts}`, [...steps, { text: 'Done.' }])
  return `[[script:upload-${scripts}]]`
}
const parts = () => ({ ...silentParts(test.db), snapshots: openSnapshotStore({ dataDir: workers.dataDir }) })
const begin = async (...steps: Step[]): Promise<string> => {
  const sessionId = await seedSession(parts(), tenant, { prompt: script(...steps) })
  await waitForStatus(test, sessionId, ['IDLE'])
  return sessionId
}
const goOn = async (sessionId: string, ...steps: Step[]): Promise<EventRow[]> => {
  const before = (await readSessionEvents(test, sessionId)).length
  await sendMessage(parts(), tenant.caller, { sessionId, text: script(...steps), mode: 'QUEUE' })
  await waitForSession(test, sessionId, ({ status, head }) => status === 'IDLE' && head > before + 2, 40_000)
  return (await readSessionEvents(test, sessionId)).filter(({ seq }) => seq > before)
}
const upload = async (sessionId: string, at: string, content: string | Buffer, archive: ArchiveKind | null = null): Promise<number> => {
  const limits = { uploadMaxBytes: 1e6, archiveMaxEntries: 100 }
  const names = at === '' ? [] : at.split('/')
  const stored = await storeUpload(parts().snapshots, { names, archive }, { bytes: Readable.from([Buffer.from(content)]), limits })
  return (await acceptUpload(parts(), tenant.caller, { sessionId, upload: stored })).seq
}
const checkpoint = async (sessionId: string): Promise<string> => {
  const { checkpointId } = await createCheckpoint(parts(), tenant.caller, { sessionId, label: null })
  await awaitCheckpoint(parts(), { tenantId: tenant.tenantId, checkpointId })
  return checkpointId
}
const results = (events: EventRow[]): unknown[] =>
  events.filter(({ type }) => type === 'agent.tool_result').map(({ payload }) => payload['output'])
const placed = (events: EventRow[]): unknown[] =>
  events.filter(({ type }) => type === 'user.upload_placed').map(({ payload }) => payload['seqs'])
const loseSandbox = async (sessionId: string): Promise<void> => {
  const { rows } = await test.superuser.query('select sandbox_id from session where id = $1', [sessionId])
  const config = parseConfig({ DATABASE_URL: test.url, SANDBOX_IMAGE: process.env['SANDBOX_IMAGE'] })
  const provider = await openSandboxProvider(config, createLogger({ name: 'test', level: 'silent' }))
  await provider.removeById(rows[0].sandbox_id)
}
const expectClean = async (): Promise<void> => {
  const { violations } = await checkDatabase({ databaseUrl: test.url, graceMs: 1_000, settled: true, snapshots: parts().snapshots })
  expect(violations).toEqual([])
}

describe('an upload', () => {
  beforeAll(async () => {
    await open()
    await workers.start()
  })
  afterAll(async () => {
    await expectClean()
    await close()
  })

  it('is in a sandbox that is made again from older files, and never over what the agent has changed since', async () => {
    const sessionId = await begin(bash('echo the agent >f'))
    const early = await upload(sessionId, 'early', 'early\n')
    await goOn(sessionId, bash('cat early; echo changed >early'))
    await checkpoint(sessionId)
    const late = await upload(sessionId, 'late', 'late\n')
    await goOn(sessionId, bash('cat late'))
    await loseSandbox(sessionId)
    const events = await goOn(sessionId, bash('cat early late'))
    expect(results(events)).toEqual(['changed\nlate\n'])
    expect(placed(events)).toEqual([[late]])
    expect(placed(await readSessionEvents(test, sessionId))).toEqual([[early], [late], [late]])
  }, 90_000)

  it('that waited at a checkpoint waits for the fork too, and one that came after it is not the fork’s', async () => {
    const sessionId = await begin(bash('true'))
    const waiting = await upload(sessionId, 'waiting', 'waiting\n')
    const checkpointId = await checkpoint(sessionId)
    await upload(sessionId, 'after', 'after\n')
    const forks = [{ title: null, prompt: script(bash('cat *')), agentId: null, budgetNanos: null }]
    const { sessionIds } = await forkSession(parts(), tenant.caller, { checkpointId, forks })
    const [fork = ''] = sessionIds
    await waitForStatus(test, fork, ['IDLE'])
    const events = await readSessionEvents(test, fork)
    expect([results(events), placed(events)]).toEqual([['waiting\n'], [[waiting]]])
  }, 90_000)

  it('is there when a command is checked, though no tool was called since it came', async () => {
    const condition = {
      name: 'it is there',
      kind: 'COMMAND' as const,
      spec: { run: 'grep -q sent f', timeoutSeconds: 30, expectExit: 0, protect: [] },
    }
    model.addScript('slow', [{ text: 'Nothing to do.', delayMs: 1_500 }])
    const sessionId = await seedSession(parts(), tenant, { prompt: '[[script:slow]]', conditions: [condition] })
    await waitForStatus(test, sessionId, ['RUNNING'])
    const seq = await upload(sessionId, 'f', 'sent\n')
    await waitForStatus(test, sessionId, ['COMPLETED'])
    expect(placed(await readSessionEvents(test, sessionId))).toEqual([[seq]])
  }, 60_000)
})

describe('an upload to workers of their own', () => {
  beforeEach(open)
  afterEach(close)

  it('that a worker died over is put in once, in order, by the next one', async () => {
    const mark = path.join(workers.dataDir, 'crashed')
    await rm(mark, { force: true })
    const doomed = await workers.start({ CRASH_AT: 'upload_placed:2', CRASH_MARK: mark })
    const sessionId = await begin(bash('echo the agent >f'))
    const seqs = [
      await upload(sessionId, 'f', 'first\n'),
      await upload(sessionId, 'f', 'second\n'),
      await upload(sessionId, 'd', rawTar([{ name: 'f', body: 'third\n' }]), 'tar'),
    ]
    const before = (await readSessionEvents(test, sessionId)).length
    await sendMessage(parts(), tenant.caller, {
      sessionId,
      text: script(bash('cat f d/f; ls -A; echo mine >f'), bash('cat f')),
      mode: 'QUEUE',
    })
    await doomed.exited
    await workers.start()
    await waitForSession(test, sessionId, ({ status, head }) => status === 'IDLE' && head > before + 2, 40_000)
    const events = (await readSessionEvents(test, sessionId)).filter(({ seq }) => seq > before)
    expect(placed(events)).toEqual([seqs])
    expect(results(events)).toEqual(['second\nthird\nd\nf\n', 'mine\n'])
    await expectClean()
  }, 90_000)

  it('is put into a process sandbox as the agent’s own', async () => {
    await workers.start({ SANDBOX: 'process', SANDBOX_UNSAFE: '1' })
    const sessionId = await begin(bash('ln -s /etc trap; mkdir d; echo mine >d/kept'))
    const seqs = [
      await upload(sessionId, 'a/b/c.txt', 'file\n'),
      await upload(sessionId, 'd', rawTar([{ name: 'x/y', body: 'y\n' }]), 'tar'),
    ]
    const refused = await upload(sessionId, 'trap/planted', 'x')
    const events = await goOn(sessionId, bash('cat a/b/c.txt d/x/y d/kept; rm a/b/c.txt d/x/y; ls /etc/planted 2>/dev/null || true'))
    expect(results(events)).toEqual(['file\ny\nmine\n'])
    expect(events.find(({ type }) => type === 'user.upload_placed')?.payload).toMatchObject({
      seqs,
      refused: [{ seq: refused, reason: '/workspace/trap is a link' }],
    })
  }, 60_000)
})
