import { chmod, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { createDirectorySnapshotStore } from '@longhaul/core/src/checkpoints/directory-snapshot-store.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { playSession } from '@longhaul/core/testing/play-session.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ProcessProvider } from '../sandboxes/process/process-provider.ts'
import type { TurnParts } from '../turn/stretch.ts'
import { keepFiles, SandboxGoneError } from './keep-files.ts'

let test: TestDatabase
let root: string
let provider: ProcessProvider
beforeAll(async () => {
  test = await createTestDatabase()
  root = await mkdtemp(path.join('/var/tmp', 'longhaul-keep-')) // not below a folder of the tests' own, which other users may not enter
  await chmod(root, 0o711)
  provider = new ProcessProvider({ root: path.join(root, 'boxes'), git: { allowedPrivateHosts: [], caFile: null } })
})
afterAll(async () => {
  for (const { id } of (await provider?.list()) ?? []) await provider.removeById(id)
  await test?.close()
  await rm(root, { recursive: true, force: true })
})

it('without images too, the files that are kept are of the sandbox that the log knows, or it is said to be gone', async () => {
  const { tenantId, sessionId } = await playSession(test.db)
  const snapshots = createDirectorySnapshotStore(path.join(root, 'snapshots'))
  const parts = { db: test.db, snapshots, sandboxes: { provider } as unknown as TurnParts['sandboxes'] }
  const open = (epoch: number) =>
    provider.open(
      { tenantId, sessionId, image: 'none', cpus: 1, memoryMb: 64, diskMb: 64 },
      { epoch, filledId: null, signal: new AbortController().signal },
    )
  const { sandbox: known } = await open(1)
  const keep = () => keepFiles(parts, { tenantId, sessionId, checkpointId: 'ckp_1' }, { sandboxId: known.id })
  expect(await keep()).toMatchObject({ imageId: null, snapshotId: expect.any(String) })
  await known.detach()
  const { sandbox: another } = await open(2)
  expect(another.id).not.toBe(known.id)
  await expect(keep()).rejects.toThrow(SandboxGoneError)
  await another.detach()
})
