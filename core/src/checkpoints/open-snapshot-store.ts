import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createDirectorySnapshotStore } from './directory-snapshot-store.ts'
import type { SnapshotStore } from './snapshot-store.ts'

/** Where the settings say: `SNAPSHOT_URL`, which is a `file:` URL in this release, or `snapshots` below `DATA_DIR`. */
export const openSnapshotStore = ({ snapshotUrl, dataDir }: { snapshotUrl?: string | undefined; dataDir: string }): SnapshotStore => {
  if (snapshotUrl === undefined) return createDirectorySnapshotStore(path.resolve(dataDir, 'snapshots'))
  if (new URL(snapshotUrl).protocol !== 'file:') throw new Error('SNAPSHOT_URL must be a file: URL')
  return createDirectorySnapshotStore(fileURLToPath(snapshotUrl))
}
