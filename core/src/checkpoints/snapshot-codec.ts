/** How snapshots lie in every store: as one zstd frame, named by the hash of what is in it. */
import { createHash } from 'node:crypto'
import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream'
import { createZstdCompress, createZstdDecompress } from 'node:zlib'
import { SnapshotCorruptError, type StoredSnapshot } from './snapshot-store.ts'

/**
 * What goes through at a time. Node's own 16 KB make thousands of small pieces of a workspace, and each of them costs every stage after it
 * more than its bytes do: 100 MB take five times as long.
 */
export const PIECE_BYTES = 1024 * 1024

/** `stored` is known once `packed` has ended; when `bytes` fail both do. */
export const packSnapshot = (bytes: Readable): { packed: Readable; stored: () => StoredSnapshot } => {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      hash.update(chunk)
      sizeBytes += chunk.length
      done(null, chunk)
    },
  })
  const packed = pipeline(bytes, count, createZstdCompress({ chunkSize: PIECE_BYTES }), () => {}) // whoever reads it sees its error
  return { packed, stored: () => ({ contentHash: hash.digest('hex'), sizeBytes }) }
}

/** Keeps the last piece back until the hash is known, so that nobody takes changed bytes for whole. */
export const unpackSnapshot = (packed: Readable, contentHash: string): Readable => {
  const hash = createHash('sha256')
  let last: Buffer | null = null
  const verifier = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      hash.update(chunk)
      if (last !== null) this.push(last)
      last = chunk
      done()
    },
    flush(done: TransformCallback) {
      if (hash.digest('hex') !== contentHash) return done(new SnapshotCorruptError(contentHash))
      done(null, last)
    },
  })
  const unzip = createZstdDecompress({ chunkSize: PIECE_BYTES })
  // Once all has come and its hash is right, pipeline ends what has not closed yet with an error of its own: it says nothing of the bytes.
  unzip.once('error', (cause) => verifier.writableFinished || verifier.destroy(new SnapshotCorruptError(contentHash, { cause })))
  packed.once('error', (cause) => verifier.writableFinished || verifier.destroy(cause))
  // A reader that leaves lets go of all three.
  pipeline(packed, unzip, verifier, () => {})
  return verifier
}
