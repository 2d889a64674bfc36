import { SnapshotCorruptError, SnapshotMissingError, type SnapshotStore } from '../checkpoints/snapshot-store.ts'
import type { Scope } from './report.ts'

type StoredRow = { id: string; contentHash: string; sizeBytes: string }

/** A session that somebody can still go back to: its own people, or those of a fork. */
const IN_REACH = `(s.deleted_at is null or exists (select from log_segment g join session f on f.id = g.session_id where g.source_session_id = s.id and f.deleted_at is null))`

/** R8 for stored workspaces and people's files: what a row names is in the store, unchanged. Reads every byte. */
export const checkSnapshots = async (scope: Scope, store: SnapshotStore): Promise<void> => {
  const { client, violations } = scope
  const { rows } = await client.query<StoredRow>(
    `select n.id, n.content_hash as "contentHash", n.size_bytes::text as "sizeBytes" from snapshot n join session s on s.id = n.session_id where ${IN_REACH}
     union all
     select s.id || ' upload ' || u.seq, u.content_hash, u.stored_bytes::text from upload u join session s on s.id = u.session_id where ${IN_REACH}`,
  )
  for (const snapshot of rows) {
    const what = await findFault(store, snapshot)
    if (what !== null) violations.push({ rule: 'R8', at: snapshot.id, what })
  }
  const dangling = await client.query<{ id: string; snapshot: string }>(
    `select s.id, s.baseline_snapshot_id as snapshot from session s where s.deleted_at is null and s.baseline_snapshot_id is not null
       and not exists (select from snapshot n where n.id = s.baseline_snapshot_id
         and n.session_id in (select p.source_session_id from log_piece p where p.session_id = s.id))`,
  )
  for (const { id, snapshot } of dangling.rows)
    violations.push({ rule: 'R8', at: id, what: `its baseline ${snapshot} is not a snapshot of it, or of whom it was forked from` })
}

const findFault = async (store: SnapshotStore, { contentHash, sizeBytes }: StoredRow): Promise<string | null> => {
  let size = 0
  try {
    for await (const chunk of await store.get(contentHash)) size += (chunk as Buffer).length
  } catch (error) {
    if (error instanceof SnapshotMissingError || error instanceof SnapshotCorruptError) return error.message
    throw error
  }
  return String(size) === sizeBytes ? null : `it has ${size} bytes, its row says ${sizeBytes}`
}
