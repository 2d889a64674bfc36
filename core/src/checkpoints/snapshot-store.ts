/**
 * Owns stored workspaces: their bytes in a store that all workers share, their rows in Postgres. Must never decide when one is taken
 * or who may see it, and never hand out bytes that are not those that were put in.
 */
import type { Readable } from 'node:stream'

export type StoredSnapshot = { contentHash: string; sizeBytes: number }

/** Bytes under the SHA-256 of themselves, in hex; how they lie there is the store's own. What no row in Postgres names is nobody's. */
export interface SnapshotStore {
  /** Durable when it resolves; the same bytes twice are stored once, with the time of the second. When the stream fails nothing is stored. */
  put(bytes: Readable): Promise<StoredSnapshot>
  /** Hashed while it is read: the stream ends with SnapshotCorruptError instead of its last piece where the bytes have changed. */
  get(contentHash: string): Promise<Readable>
  has(contentHash: string): Promise<boolean>
  /** Idempotent. */
  delete(contentHash: string): Promise<void>
  /** All that is whole, with the time it was last put: who cleans up must spare what is younger than a row takes to commit. */
  list(): AsyncIterable<{ contentHash: string; storedAt: Date }>
  /** Removes what puts that have been dead for so long left half-written. */
  removeRemains(olderThanMs: number): Promise<void>
}

/** The one thing a name in a store may be: it reaches paths and keys. */
export const assertContentHash = (contentHash: string): void => {
  if (!/^[0-9a-f]{64}$/.test(contentHash)) throw new Error(`${JSON.stringify(contentHash)} is no SHA-256 in hex`)
}

export class SnapshotMissingError extends Error {
  constructor(contentHash: string) {
    super(`snapshot ${contentHash} is not in the store`)
  }
}

export class SnapshotCorruptError extends Error {
  constructor(contentHash: string, options?: ErrorOptions) {
    super(`snapshot ${contentHash} is not what was stored`, options)
  }
}
