import path from 'node:path'
import { createDirectorySnapshotStore } from './directory-snapshot-store.ts'
import { parseSnapshotUrl } from './parse-snapshot-url.ts'
import { createS3SnapshotStore } from './s3-snapshot-store.ts'
import type { SnapshotStore } from './snapshot-store.ts'

/** Where the settings say: `SNAPSHOT_URL`, or `snapshots` below `DATA_DIR`. */
export const openSnapshotStore = ({ snapshotUrl, dataDir }: { snapshotUrl?: string | undefined; dataDir: string }): SnapshotStore => {
  if (snapshotUrl === undefined) return createDirectorySnapshotStore(path.resolve(dataDir, 'snapshots'))
  const place = parseSnapshotUrl(snapshotUrl)
  return place.kind === 'directory' ? createDirectorySnapshotStore(place.path) : createS3SnapshotStore(place)
}
