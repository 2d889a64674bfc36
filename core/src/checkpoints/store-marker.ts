import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { SnapshotStore } from './snapshot-store.ts'

/** The settings name another store than the installation's: a folder that is not mounted, a wrong bucket or prefix, another installation's. */
export class ForeignStoreError extends Error {}

type Parts = { db: Pick<Database, 'system'>; snapshots: SnapshotStore }
type Marker = { contentHash: string; text: string; placed: boolean }

/**
 * Once a process begins: throws ForeignStoreError where the store is not this installation's. The first of all to begin marks it, by a file of its
 * own; what holds something already is not taken for new.
 */
export const claimStore = async (parts: Parts): Promise<void> => {
  const { db, snapshots } = parts
  const client = await db.system.connect()
  try {
    await client.query("select pg_advisory_lock(hashtextextended('longhaul.store', 0))")
    try {
      const marker = (await readMarker(db)) ?? (await makeMarker(db))
      if (marker.placed) return await requireStore(parts)
      // Whoever has put it in and not said so has died in between: the same bytes are put in again.
      if (await isAnothers(parts, marker))
        throw new ForeignStoreError(
          'The snapshot store holds files, and this database knows no session: is it the store of another installation?',
        )
      await snapshots.put(Readable.from([Buffer.from(marker.text)]))
      await db.system.query('update store_marker set placed = true')
    } finally {
      await client.query("select pg_advisory_unlock(hashtextextended('longhaul.store', 0))")
    }
  } finally {
    client.release()
  }
}

/** Whoever misses something in the store asks before he says that it is gone. Throws ForeignStoreError. */
export const requireStore = async ({ db, snapshots }: Parts): Promise<void> => {
  const marker = await readMarker(db)
  if (marker === null || !marker.placed || (await snapshots.has(marker.contentHash))) return
  throw new ForeignStoreError(
    `The snapshot store is not this installation's, or not all there: it lacks the file ${marker.contentHash}, which marks it. See SNAPSHOT_URL.`,
  )
}

const readMarker = async (db: Parts['db']): Promise<Marker | null> => {
  const { rows } = await db.system.query<Marker>('select content_hash as "contentHash", text, placed from store_marker')
  return rows[0] ?? null
}

const makeMarker = async (db: Parts['db']): Promise<Marker> => {
  const text = `The snapshot store of the Longhaul installation ${randomUUID()}. Removed, it is no longer known by its workers.\n`
  const contentHash = createHash('sha256').update(text).digest('hex')
  await db.system.query('insert into store_marker (content_hash, text) values ($1, $2)', [contentHash, text])
  return { contentHash, text, placed: false }
}

/** A new database's workers would remove what another's rows name. */
const isAnothers = async ({ db, snapshots }: Parts, marker: Marker): Promise<boolean> => {
  const { rows } = await db.system.query<{ known: boolean }>('select exists (select from session) as known')
  if (rows[0]?.known) return false
  for await (const { contentHash } of snapshots.list()) if (contentHash !== marker.contentHash) return true
  return false
}
