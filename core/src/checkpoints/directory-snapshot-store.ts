import { randomUUID } from 'node:crypto'
import { mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { PIECE_BYTES, packSnapshot, unpackSnapshot } from './snapshot-codec.ts'
import { assertContentHash, SnapshotMissingError, type SnapshotStore, type StoredSnapshot } from './snapshot-store.ts'

/** A directory: `<first two digits>/<hash>.zst`, and `parts/` for what is still being written. Made when it is first needed. */
export const createDirectorySnapshotStore = (root: string): SnapshotStore => {
  const parts = path.join(root, 'parts')

  return {
    async put(bytes) {
      await mkdir(parts, { recursive: true, mode: 0o700 })
      const part = path.join(parts, randomUUID())
      try {
        const stored = await writePart(part, bytes)
        const place = placeOf(root, stored.contentHash)
        await mkdir(path.dirname(place), { recursive: true, mode: 0o700 })
        await rename(part, place)
        for (const folder of [path.dirname(place), root]) await syncFolder(folder)
        return stored
      } catch (error) {
        await rm(part, { force: true })
        throw error
      }
    },

    async get(contentHash) {
      const file = await open(placeOf(root, contentHash), 'r').catch((cause: NodeJS.ErrnoException) => {
        throw cause.code === 'ENOENT' ? new SnapshotMissingError(contentHash) : cause
      })
      return unpackSnapshot(file.createReadStream({ highWaterMark: PIECE_BYTES }), contentHash)
    },

    has: async (contentHash) => (await stat(placeOf(root, contentHash)).catch(ignoreMissing)) !== undefined,

    delete: async (contentHash) => rm(placeOf(root, contentHash), { force: true }),

    async *list() {
      for await (const folder of readFolder(root)) {
        if (!folder.isDirectory() || !/^[0-9a-f]{2}$/.test(folder.name)) continue
        for await (const entry of readFolder(path.join(root, folder.name))) {
          const found = await stat(path.join(root, folder.name, entry.name)).catch(ignoreMissing)
          if (found?.isFile()) yield { contentHash: entry.name.replace(/\.zst$/, ''), storedAt: found.mtime }
        }
      }
    },

    async removeRemains(olderThanMs) {
      for await (const entry of readFolder(parts)) {
        const file = path.join(parts, entry.name)
        const found = await stat(file).catch(ignoreMissing)
        if (found !== undefined && Date.now() - found.mtimeMs > olderThanMs) await rm(file, { force: true })
      }
    },
  }
}

const placeOf = (root: string, contentHash: string): string => {
  assertContentHash(contentHash)
  return path.join(root, contentHash.slice(0, 2), `${contentHash}.zst`)
}

/** On disk when it resolves: the rename that follows must never make a name for half a file. */
const writePart = async (part: string, bytes: Readable): Promise<StoredSnapshot> => {
  const { packed, stored } = packSnapshot(bytes)
  const file = await open(part, 'wx', 0o600)
  try {
    for await (const chunk of packed) await file.writeFile(chunk)
    await file.sync()
  } finally {
    await file.close()
  }
  return stored()
}

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function* readFolder(folder: string) {
  const opened = await opendir(folder).catch(ignoreMissing)
  if (opened !== undefined) yield* opened
}

const ignoreMissing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== 'ENOENT') throw error // another process removed it meanwhile, or it was never made
}
