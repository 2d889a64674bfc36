import { pipeline, type Readable, Transform } from 'node:stream'
import { receiveArchive } from '../archives/receive-archive.ts'
import type { SnapshotStore } from '../checkpoints/snapshot-store.ts'
import { badInput, TooLargeError } from '../errors.ts'
import type { EventPayloads } from '../events/event.ts'
import type { FileLimits } from './file-limits.ts'

export type ArchiveKind = 'tar' | 'tar.gz'
export type UploadPlace = { names: readonly string[]; archive: ArchiveKind | null }
export type StoredUpload = Omit<EventPayloads['user.upload'], 'v'>

/**
 * Takes a body into the store, looked through to its end: of what is refused nothing stays. It is nobody's until `acceptUpload` names it.
 * Throws BAD_USER_INPUT, and TooLargeError above a limit.
 */
export const storeUpload = async (
  snapshots: SnapshotStore,
  { names, archive }: UploadPlace,
  { bytes, limits }: { bytes: Readable; limits: Pick<FileLimits, 'uploadMaxBytes' | 'archiveMaxEntries'> },
): Promise<StoredUpload> => {
  const path = names.join('/')
  if (archive !== null) {
    const { tar, received } = receiveArchive(bytes, {
      gzip: archive === 'tar.gz',
      prefix: names,
      limits: { maxBytes: limits.uploadMaxBytes, maxEntries: limits.archiveMaxEntries },
    })
    const stored = await snapshots.put(tar)
    return { path, kind: 'folder', ...(await received), storedBytes: stored.sizeBytes, digest: stored.contentHash }
  }
  refuseNoName(names)
  const { contentHash, sizeBytes } = await snapshots.put(limitBytes(bytes, limits.uploadMaxBytes))
  return { path, kind: 'file', files: 1, sizeBytes, storedBytes: sizeBytes, digest: contentHash }
}

export const refuseNoName = (names: readonly string[]): void => {
  if (names.length === 0) throw badInput('path', 'the name of a file; the workspace itself takes an archive')
}

/** Ends with TooLargeError after so many bytes. */
export const limitBytes = (bytes: Readable, maxBytes: number): Readable => {
  let seen = 0
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length
      if (seen > maxBytes) done(new TooLargeError('body', `at most ${maxBytes} bytes`))
      else done(null, chunk)
    },
  })
  return pipeline(bytes, limit, () => {}) // its reader sees the error
}
