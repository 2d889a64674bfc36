import { awaitCheckpoint, createCheckpoint } from '@longhaul/core/src/checkpoints/create-checkpoint.ts'
import { askForDiff } from '@longhaul/core/src/files/ask-for-diff.ts'
import { askForFiles } from '@longhaul/core/src/files/ask-for-files.ts'
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
  worker = await startTestWorker({ test, model })
})
afterAll(async () => {
  await worker?.stop()
  await model?.stop()
  await test?.close()
})

describe("looking into a session's files", () => {
  it('shows the resources before there is a sandbox, and the workspace afterwards, also of a stopped sandbox', async () => {
    model.addScript('files', [
      { text: 'Hello.' },
      {
        toolCalls: [
          { name: 'bash', input: { command: 'mkdir -p deep/er && echo new > made.txt && printf "\\\\000\\\\377" > deep/binary' } },
        ],
      },
      { text: 'Done.' },
    ])
    const tenant = await seedTenant(test.db)
    const sessionId = await seedSession(worker.parts, tenant, {
      prompt: '[[script:files]]',
      resources: [{ kind: 'FILE', path: 'src/given.txt', content: Buffer.from('given\n') }],
    })
    const look = (op: 'list' | 'read', path: string) => askForFiles(worker.parts, { tenantId: tenant.tenantId, sessionId, op, path })
    await worker.waitForStatus(sessionId, ['IDLE'])
    expect(await look('list', '/workspace')).toMatchObject({ entries: [{ path: '/workspace/src', kind: 'DIRECTORY' }] })
    expect(await look('read', 'src/given.txt')).toMatchObject({ file: { text: 'given\n', truncated: false } })

    await sendMessage(worker.parts, tenant.caller, { sessionId, text: 'Go on.', mode: 'QUEUE' })
    await worker.waitFor(sessionId, ({ status, turns }) => status === 'IDLE' && turns === 3)
    await worker.parts.sandboxes.provider.stop(sessionId)
    expect(await look('list', '/workspace')).toMatchObject({
      entries: [
        { path: '/workspace/deep', kind: 'DIRECTORY' },
        { path: '/workspace/made.txt', kind: 'FILE', sizeBytes: 4 },
        { path: '/workspace/src' },
      ],
    })
    expect(await look('list', '/workspace/deep')).toMatchObject({
      entries: [
        { path: '/workspace/deep/binary', sizeBytes: 2 },
        { path: '/workspace/deep/er', kind: 'DIRECTORY' },
      ],
    })
    expect(await look('read', '/workspace/made.txt')).toMatchObject({ file: { text: 'new\n', base64: null, sizeBytes: 4 } })
    expect(await look('read', '/workspace/deep/binary')).toMatchObject({ file: { text: null, base64: 'AP8=' } })
    expect(await look('read', '/workspace/nothing')).toBeNull()
    expect((await worker.parts.sandboxes.provider.list()).find((container) => container.sessionId === sessionId)?.running).toBe(false)
    await expect(look('read', '/workspace/../etc/passwd')).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  })

  it('shows no other sandbox that bears its name: where its own is gone, what it will go on from', async () => {
    model.addScript('keep', [{ toolCalls: [{ name: 'bash', input: { command: 'echo mine > mine.txt' } }] }, { text: 'Done.' }])
    const tenant = await seedTenant(test.db)
    const { tenantId } = tenant
    const sessionId = await seedSession(worker.parts, tenant, { prompt: '[[script:keep]]' })
    await worker.waitForStatus(sessionId, ['IDLE'])
    const { checkpointId } = await createCheckpoint(worker.parts, tenant.caller, { sessionId, label: null })
    await awaitCheckpoint(worker.parts, { tenantId, checkpointId })
    const { provider } = worker.parts.sandboxes
    await provider.remove(sessionId)
    const spec = { tenantId, sessionId, image: worker.parts.defaultImage, cpus: 1, memoryMb: 256, diskMb: 256 }
    await provider.open(spec, { epoch: 99, filledId: null, signal: new AbortController().signal })
    const list = () => askForFiles(worker.parts, { tenantId, sessionId, op: 'list', path: '/workspace' })
    expect(await list()).toMatchObject({ entries: [{ path: '/workspace/mine.txt' }] })
    const sides = { from: { sessionId, at: 'start' as const }, to: { sessionId, at: 'now' as const }, page: { after: null, first: 10 } }
    expect(await askForDiff(worker.parts, { tenantId, ...sides })).toMatchObject({
      changes: [{ path: '/workspace/mine.txt', change: 'ADDED' }],
    })
  })

  it('shows another tenant nothing', async () => {
    const [one, other] = [await seedTenant(test.db), await seedTenant(test.db)]
    const sessionId = await seedSession(worker.parts, one, { prompt: 'Hello.' })
    await expect(askForFiles(worker.parts, { tenantId: other.tenantId, sessionId, op: 'list', path: '/workspace' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
  })
})
