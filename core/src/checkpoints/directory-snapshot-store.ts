import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { type Readable, Transform, type TransformCallback } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { SnapshotCorruptError, SnapshotMissingError, type SnapshotStore } from './snapshot-store.ts'

/** A put that takes longer is dead: what it left is removed by a later one. */
const ABANDONED_MS = 24 * 60 * 60_000

/** A directory: `<first two digits>/<hash>`, and `parts/` for what is still being written. Made when it is first needed. */
export const createDirectorySnapshotStore = (root: string): SnapshotStore => {
  const parts = path.join(root, 'parts')

  return {
    async put(bytes) {
      await mkdir(parts, { recursive: true, mode: 0o700 })
      await removeAbandoned(parts)
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
      return verify(file.createReadStream(), contentHash)
    },

    delete: (contentHash) => rm(placeOf(root, contentHash), { force: true }),

    async *list() {
      for await (const folder of readFolder(root)) {
        if (!folder.isDirectory() || !/^[0-9a-f]{2}$/.test(folder.name)) continue
        for await (const entry of readFolder(path.join(root, folder.name))) {
          const found = await stat(path.join(root, folder.name, entry.name)).catch(ignoreMissing)
          if (found?.isFile()) yield { contentHash: entry.name, sizeBytes: found.size, storedAt: found.mtime }
        }
      }
    },
  }
}

const placeOf = (root: string, contentHash: string): string => {
  if (!/^[0-9a-f]{64}$/.test(contentHash)) throw new Error(`${JSON.stringify(contentHash)} is no SHA-256 in hex`)
  return path.join(root, contentHash.slice(0, 2), contentHash)
}

/** On disk when it resolves: the rename that follows must never make a name for half a file. */
const writePart = async (part: string, bytes: Readable): Promise<{ contentHash: string; sizeBytes: number }> => {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const file = await open(part, 'wx', 0o600)
  try {
    await pipeline(bytes, async (source: AsyncIterable<Buffer>) => {
      for await (const chunk of source) {
        hash.update(chunk)
        sizeBytes += chunk.length
        await file.writeFile(chunk)
      }
    })
    await file.sync()
  } finally {
    await file.close()
  }
  return { contentHash: hash.digest('hex'), sizeBytes }
}

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const removeAbandoned = async (parts: string): Promise<void> => {
  for await (const entry of readFolder(parts)) {
    const file = path.join(parts, entry.name)
    const found = await stat(file).catch(ignoreMissing)
    if (found !== undefined && Date.now() - found.mtimeMs > ABANDONED_MS) await rm(file, { force: true })
  }
}

async function* readFolder(folder: string) {
  const opened = await opendir(folder).catch(ignoreMissing)
  if (opened !== undefined) yield* opened
}

const ignoreMissing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== 'ENOENT') throw error // another process removed it meanwhile, or it was never made
}

/** Keeps the last piece back until the hash is known, so that nobody takes changed bytes for whole. */
const verify = (bytes: Readable, contentHash: string): Readable => {
  const hash = createHash('sha256')
  let last: Buffer | null = null
  const verifier = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      hash.update(chunk)
      if (last !== null) this.push(last)
      last = chunk
      done()
    },
    flush(done: TransformCallback) {
      if (hash.digest('hex') !== contentHash) return done(new SnapshotCorruptError(contentHash))
      done(null, last)
    },
  })
  // Its errors reach the reader through `verifier`, which pipeline destroys with them.
  pipeline(bytes, verifier).catch(() => {})
  return verifier
}
