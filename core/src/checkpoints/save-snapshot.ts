import type { Readable } from 'node:stream'
import type { Database } from '@longhaul/prisma/src/client.ts'
import { createId } from '../ids.ts'
import { inTransaction } from '../sessions/change-session.ts'
import { SnapshotMissingError, type SnapshotStore, type StoredSnapshot } from './snapshot-store.ts'

export type SaveSnapshot = {
  tenantId: string
  sessionId: string
  kind: 'baseline' | 'checkpoint'
  /** Of the workspace's manifest, by `digestManifest`; a promise where it is computed while the tar streams by. */
  digest: string | Promise<string>
  tar: Readable
}

/** Stores a workspace's bytes, then the row that owns them: a crash in between leaves bytes without an owner, never a row without bytes. Throws SnapshotMissingError where they were removed meanwhile: to be stored again. */
export const saveSnapshot = async (
  { db, snapshots }: { db: Pick<Database, 'app'>; snapshots: SnapshotStore },
  { tenantId, sessionId, kind, digest, tar }: SaveSnapshot,
): Promise<{ id: string } & StoredSnapshot> => {
  const [stored, known] = await Promise.all([snapshots.put(tar), digest])
  const snapshot = { id: createId('snp'), ...stored }
  await inTransaction(db, async (client) => {
    await client.query('select lock_content($1)', [stored.contentHash])
    // The same bytes may have lain there before, named by nobody, and may have been removed since they were put again.
    if (!(await snapshots.has(stored.contentHash))) throw new SnapshotMissingError(stored.contentHash)
    await client.query('select save_snapshot($1, $2, $3)', [tenantId, sessionId, JSON.stringify({ ...snapshot, kind, digest: known })])
  })
  return snapshot
}
