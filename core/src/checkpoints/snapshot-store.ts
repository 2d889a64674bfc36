/**
 * Owns stored workspaces: their bytes in a store that all workers share, their rows in Postgres. Must never decide when one is taken
 * or who may see it, and never hand out bytes that are not those that were put in.
 */
import type { Readable } from 'node:stream'

export type StoredSnapshot = { contentHash: string; sizeBytes: number }

/** Bytes under the SHA-256 of themselves, in hex. What a row in Postgres does not name is nobody's. */
export interface SnapshotStore {
  /** Durable when it resolves; the same bytes twice are stored once. When the stream fails nothing is stored. */
  put(bytes: Readable): Promise<StoredSnapshot>
  /** Hashed while it is read: the stream ends with SnapshotCorruptError instead of its last piece where the bytes have changed. */
  get(contentHash: string): Promise<Readable>
  /** Idempotent. */
  delete(contentHash: string): Promise<void>
  /** All that is whole, with the time it was last put: who cleans up must spare what is younger than a row takes to commit. */
  list(): AsyncIterable<StoredSnapshot & { storedAt: Date }>
}

export class SnapshotMissingError extends Error {
  constructor(contentHash: string) {
    super(`snapshot ${contentHash} is not in the store`)
  }
}

export class SnapshotCorruptError extends Error {
  constructor(contentHash: string) {
    super(`snapshot ${contentHash} is not what was stored`)
  }
}
