import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDirectorySnapshotStore } from './directory-snapshot-store.ts'
import { openSnapshotStore } from './open-snapshot-store.ts'
import { describeSnapshotStore, listAll } from './snapshot-store.contract.ts'

let folder: string
let made = 0
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'longhaul-snapshots-'))
})
afterAll(() => rm(folder, { recursive: true }))

const placeOf = (root: string, contentHash: string) => path.join(root, contentHash.slice(0, 2), `${contentHash}.zst`)
const createRoot = () => path.join(folder, `store ${made++}`, 'below')

describeSnapshotStore('directory', async () => {
  const root = createRoot()
  return {
    store: createDirectorySnapshotStore(root),
    corrupt: async (contentHash) => {
      const file = placeOf(root, contentHash)
      const bytes = await readFile(file)
      bytes[bytes.length - 1]! ^= 1
      await writeFile(file, bytes)
    },
    storedSize: async (contentHash) => (await stat(placeOf(root, contentHash))).size,
  }
})

it('leaves no part behind, and removes those of writers that have long been dead', async () => {
  const root = createRoot()
  const store = createDirectorySnapshotStore(root)
  const parts = path.join(root, 'parts')
  await mkdir(parts, { recursive: true })
  for (const name of ['old', 'young']) await writeFile(path.join(parts, name), 'half a snapsh')
  await utimes(path.join(parts, 'old'), 0, 0)
  await store.put(Readable.from([Buffer.from('whole')]))
  await store.removeRemains(60_000)
  expect(await readdir(parts)).toEqual(['young'])
  expect(await listAll(store)).toHaveLength(1)
})

it('lets no other user read a snapshot', async () => {
  const root = createRoot()
  const { contentHash } = await createDirectorySnapshotStore(root).put(Readable.from([Buffer.from('files of a tenant')]))
  expect((await stat(placeOf(root, contentHash))).mode & 0o077).toBe(0)
})

it('opens the folder that SNAPSHOT_URL names, and one below DATA_DIR without it', async () => {
  const [root, dataDir] = [createRoot(), createRoot()]
  const { contentHash } = await openSnapshotStore({ snapshotUrl: pathToFileURL(root).href, dataDir }).put(Readable.from([Buffer.from('a')]))
  expect(await readdir(path.join(root, contentHash.slice(0, 2)))).toEqual([`${contentHash}.zst`])
  await openSnapshotStore({ dataDir }).put(Readable.from([Buffer.from('a')]))
  expect(await readdir(path.join(dataDir, 'snapshots', contentHash.slice(0, 2)))).toEqual([`${contentHash}.zst`])
})
