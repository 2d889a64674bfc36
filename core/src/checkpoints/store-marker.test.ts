import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { playSession } from '../../testing/play-session.ts'
import { sweepStore } from '../housekeeping/sweep-store.ts'
import { createLogger } from '../logger.ts'
import { createDirectorySnapshotStore } from './directory-snapshot-store.ts'
import { listAll } from './snapshot-store.contract.ts'
import { claimStore, ForeignStoreError, requireStore } from './store-marker.ts'

let test: TestDatabase
let root: string
const logger = createLogger({ name: 'test', level: 'silent' })
const open = (folder: string) => ({ db: test.db, logger, snapshots: createDirectorySnapshotStore(path.join(root, folder)) })
const put = (folder: string) => open(folder).snapshots.put(Readable.from([Buffer.from('a workspace')]))
beforeEach(async () => {
  test = await createTestDatabase()
  root = await mkdtemp(path.join(tmpdir(), 'longhaul-marker-'))
})
afterEach(async () => {
  await test?.close()
  await rm(root, { recursive: true })
})

it('the first processes to begin mark the store, once, and later ones know it', async () => {
  await Promise.all([claimStore(open('own')), claimStore(open('own')), claimStore(open('own'))])
  expect(await listAll(open('own').snapshots)).toHaveLength(1)
  await claimStore(open('own'))
  await requireStore(open('own'))
})

it('a store that was not mounted, or is another, is refused at the start, by whoever misses something, and by the sweep', async () => {
  await claimStore(open('own'))
  const { contentHash } = await put('other')
  for (const refused of [claimStore, requireStore, (parts: ReturnType<typeof open>) => sweepStore(parts, { graceMs: -1 })])
    await expect(refused(open('other'))).rejects.toThrow(ForeignStoreError)
  expect(await listAll(open('other').snapshots)).toEqual([contentHash])
  await rename(path.join(root, 'own'), path.join(root, 'moved'))
  await claimStore(open('moved'))
})

it("a database that is new takes no store that holds somebody's files; one that knows sessions takes the one it had", async () => {
  await put('full')
  await expect(claimStore(open('full'))).rejects.toThrow(ForeignStoreError)
  await claimStore(open('empty'))
  await test.superuser.query('delete from store_marker')
  await playSession(test.db)
  await claimStore(open('full'))
})

it('who died between putting the mark in and saying so leaves nothing that stops the next', async () => {
  await claimStore(open('own'))
  await test.superuser.query('update store_marker set placed = false')
  await claimStore(open('own'))
  await sweepStore(open('own'), { graceMs: -1 })
  expect(await listAll(open('own').snapshots)).toHaveLength(1)
})
