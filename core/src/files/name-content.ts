import type pg from 'pg'
import type { SnapshotStore } from '../checkpoints/snapshot-store.ts'
import { PlatformError } from '../errors.ts'

/**
 * Before a row of this transaction names stored bytes. The same may have lain there before, named by nobody, and may have been removed
 * since they were put again: UNAVAILABLE, to be sent once more.
 */
export const nameContent = async (client: pg.ClientBase, snapshots: SnapshotStore, contentHash: string): Promise<void> => {
  await client.query('select lock_content($1)', [contentHash])
  if (!(await snapshots.has(contentHash)))
    throw new PlatformError('UNAVAILABLE', 'What was sent was removed before it was named: send it again.')
}
