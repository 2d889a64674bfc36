import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { createDirectorySnapshotStore } from '@longhaul/core/src/checkpoints/directory-snapshot-store.ts'
import { saveSnapshot } from '@longhaul/core/src/checkpoints/save-snapshot.ts'
import { claimStore, ForeignStoreError } from '@longhaul/core/src/checkpoints/store-marker.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { playSession } from '@longhaul/core/testing/play-session.ts'
import { takeCheckpoint } from '@longhaul/core/testing/take-checkpoint.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Sandbox, SandboxUnavailableError } from '../sandboxes/sandbox.ts'
import { restoreWorkspace } from './restore-workspace.ts'

let test: TestDatabase
let folder: string
beforeAll(async () => {
  test = await createTestDatabase()
  folder = await mkdtemp(path.join(tmpdir(), 'longhaul-restore-'))
})
afterAll(async () => {
  await test?.close()
  await rm(folder, { recursive: true })
})

it('a store that is away condemns no checkpoint: only what the right one lacks is lost', async () => {
  const root = path.join(folder, 'store')
  const parts = { db: test.db, logger: createLogger({ name: 'test', level: 'silent' }), snapshots: createDirectorySnapshotStore(root) }
  await claimStore(parts)
  const session = await playSession(test.db)
  const { id: checkpointId, seq } = await takeCheckpoint(test.db, session)
  const stored = { ...session, kind: 'checkpoint' as const, digest: 'd', tar: Readable.from([Buffer.from('files')]) }
  const { id: snapshotId, contentHash } = await saveSnapshot(parts, stored)
  const origin = { checkpointId, seq, imageId: null, snapshotId }
  const restore = () => restoreWorkspace(parts, { tenantId: session.tenantId, origin, sandbox: {} as Sandbox })
  const problem = async () =>
    (await test.superuser.query('select problem from checkpoint where id = $1', [checkpointId])).rows[0]?.['problem']

  await rename(root, path.join(folder, 'not-mounted'))
  await expect(restore()).rejects.toThrow(ForeignStoreError)
  expect(await problem()).toBeNull()
  await rename(path.join(folder, 'not-mounted'), root)
  await parts.snapshots.delete(contentHash)
  await expect(restore()).rejects.toThrow(SandboxUnavailableError)
  expect(await problem()).toMatch(/is not in the store/)
})
