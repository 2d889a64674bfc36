import { Readable } from 'node:stream'
import { walkArchive } from '@longhaul/core/src/archives/walk-archive.ts'
import type { SnapshotStore } from '@longhaul/core/src/checkpoints/snapshot-store.ts'
import { PlatformError } from '@longhaul/core/src/errors.ts'
import type { FetchOp, FileLookAnswer, StoredDownload } from '@longhaul/core/src/files/file-look.ts'
import { limitBytes } from '@longhaul/core/src/files/store-upload.ts'
import { packFolder, TooLargeToDownloadError } from './pack-folder.ts'

/** Puts what an engine's tar holds into the store, as the one who downloads it wants it. */
export const storeDownload = async (
  snapshots: SnapshotStore,
  { tar, op, maxBytes }: { tar: Readable; op: FetchOp; maxBytes: number },
): Promise<FileLookAnswer> => {
  try {
    const stored =
      op === 'fetch' ? await storeFile(snapshots, tar, maxBytes) : await storeFolder(snapshots, tar, { gzip: op === 'pack_gz', maxBytes })
    return typeof stored === 'string' ? { problem: stored } : { stored }
  } catch (error) {
    if (error instanceof TooLargeToDownloadError || error instanceof PlatformError) return { problem: 'too_large' }
    throw error
  }
}

/** The first entry is the file itself, where it is one: of a link nothing is read. */
const storeFile = async (
  snapshots: SnapshotStore,
  tar: Readable,
  maxBytes: number,
): Promise<StoredDownload | 'not_found' | 'is_folder'> => {
  let found: StoredDownload | 'not_found' | 'is_folder' = 'not_found'
  await walkArchive(tar, async (entry) => {
    const { type } = entry.header
    if (type === 'directory') found = 'is_folder'
    else if (type === 'file' || type === 'contiguous-file')
      found = { ...(await snapshots.put(limitBytes(Readable.from(entry, { objectMode: false }), maxBytes))), leftOut: 0 }
    return 'stop'
  })
  return found
}

const storeFolder = async (
  snapshots: SnapshotStore,
  tar: Readable,
  how: { gzip: boolean; maxBytes: number },
): Promise<StoredDownload | 'not_found'> => {
  const packed = await packFolder(tar, how)
  if (packed === null) return 'not_found'
  try {
    return { ...(await snapshots.put(packed.bytes)), leftOut: packed.leftOut }
  } finally {
    await packed.close()
  }
}
