import type { Readable } from 'node:stream'
import type { Database } from '@longhaul/prisma/src/client.ts'
import { notFound } from '../errors.ts'
import type { SnapshotStore, StoredSnapshot } from './snapshot-store.ts'

/** `open` may be called more than once; each stream is verified while it is read. */
export type OpenedSnapshot = StoredSnapshot & { digest: string; open(): Promise<Readable> }

/** Throws NOT_FOUND where the tenant has no such snapshot. */
export const openSnapshot = async (
  { db, snapshots }: { db: Pick<Database, 'app'>; snapshots: SnapshotStore },
  { tenantId, snapshotId }: { tenantId: string; snapshotId: string },
): Promise<OpenedSnapshot> => {
  const { rows } = await db.app.query<{ snapshot: (StoredSnapshot & { digest: string }) | null }>(
    'select read_snapshot($1, $2) as snapshot',
    [tenantId, snapshotId],
  )
  const snapshot = rows[0]?.snapshot ?? null
  if (snapshot === null) throw notFound('snapshot', snapshotId)
  return { ...snapshot, open: () => snapshots.get(snapshot.contentHash) }
}
