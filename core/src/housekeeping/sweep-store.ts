import { requireStore } from '../checkpoints/store-marker.ts'
import type { HouseParts } from './house-parts.ts'

/** Bytes this young may be named by a row that is on its way. */
const GRACE_MS = 5 * 60_000
/** What is still being written after so long is dead. */
const REMAINS_MS = 24 * 60 * 60_000

/**
 * Finds stored bytes that no row names: a crash came between them and their row, or between a row's end and theirs. Never in a store that is
 * not this installation's: another's rows would name them.
 */
export const sweepStore = async (parts: HouseParts, { graceMs = GRACE_MS }: { graceMs?: number } = {}): Promise<void> => {
  await requireStore(parts)
  await parts.snapshots.removeRemains(REMAINS_MS)
  for await (const { contentHash, storedAt } of parts.snapshots.list())
    if (Date.now() - storedAt.getTime() > graceMs) await removeContent(parts, contentHash)
}

/** Removes stored bytes unless a row names them. Who names them at this moment waits, and then finds that they are gone. */
export const removeContent = async ({ db, snapshots }: Pick<HouseParts, 'db' | 'snapshots'>, contentHash: string): Promise<void> => {
  const client = await db.system.connect()
  try {
    await client.query('begin')
    await client.query('select lock_content($1)', [contentHash])
    const { rows } = await client.query<{ named: boolean }>('select is_content_named($1) as named', [contentHash])
    if (!rows[0]?.named) await snapshots.delete(contentHash)
    await client.query('commit')
    client.release()
  } catch (error) {
    client.release(true) // with its lock, whatever state it is in
    throw error
  }
}
