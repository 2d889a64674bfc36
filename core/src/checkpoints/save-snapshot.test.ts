import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { openSnapshot } from './open-snapshot.ts'
import { openSnapshotStore } from './open-snapshot-store.ts'
import { saveSnapshot } from './save-snapshot.ts'
import type { SnapshotStore } from './snapshot-store.ts'

let test: TestDatabase
let dataDir: string
let snapshots: SnapshotStore
beforeAll(async () => {
  test = await createTestDatabase()
  dataDir = await mkdtemp(path.join(tmpdir(), 'longhaul-snapshots-'))
  snapshots = openSnapshotStore({ dataDir })
})
afterAll(async () => {
  await test.close()
  await rm(dataDir, { recursive: true })
})

describe('a saved snapshot', () => {
  it('opens again for its tenant, as often as asked, and is not there for another', async () => {
    const seed = await seedTenant(test.db)
    const sessionId = await seedSession(silentParts(test.db), seed)
    const parts = { db: test.db, snapshots }
    const saved = await saveSnapshot(parts, {
      tenantId: seed.tenantId,
      sessionId,
      kind: 'baseline',
      digest: 'd1',
      tar: Readable.from([Buffer.from('a tar')]),
    })
    const opened = await openSnapshot(parts, { tenantId: seed.tenantId, snapshotId: saved.id })
    expect(opened).toMatchObject({ digest: 'd1', contentHash: saved.contentHash, sizeBytes: 5 })
    expect([await text(await opened.open()), await text(await opened.open())]).toEqual(['a tar', 'a tar'])
    const other = await seedTenant(test.db)
    await expect(openSnapshot(parts, { tenantId: other.tenantId, snapshotId: saved.id })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it("can't be hung on another tenant's session", async () => {
    const seed = await seedTenant(test.db)
    const other = await seedTenant(test.db)
    const sessionId = await seedSession(silentParts(test.db), seed)
    const save = saveSnapshot(
      { db: test.db, snapshots },
      { tenantId: other.tenantId, sessionId, kind: 'baseline', digest: 'd', tar: Readable.from([Buffer.from('x')]) },
    )
    await expect(save).rejects.toMatchObject({ code: '23503' })
  })
})
