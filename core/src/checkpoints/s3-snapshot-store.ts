import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { S3Place } from './parse-snapshot-url.ts'
import { packSnapshot, unpackSnapshot } from './snapshot-codec.ts'
import { assertContentHash, SnapshotMissingError, type SnapshotStore } from './snapshot-store.ts'

/** What is larger goes up in parts of this size, so that a lost connection costs one of them. An upload has at most 10,000 parts. */
const PART_BYTES = 16 * 1024 * 1024
const MAX_PARTS = 9_000

/**
 * A bucket of any S3-compatible store: `<prefix><hash>.zst`. Credentials come from where the SDK looks for them. A snapshot's name is known
 * only at its end, so it is packed into a local file without a name first, and then goes up under its own: nothing is renamed there, and
 * what fails or dies on the way has left no object.
 */
export const createS3SnapshotStore = ({ bucket, prefix, endpoint, region }: S3Place): SnapshotStore => {
  const client = new S3Client({
    ...(region === null ? {} : { region }),
    // Beside Amazon's own, stores are found by path, and know no checksums in trailers.
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const at = (contentHash: string) => {
    assertContentHash(contentHash)
    return { Bucket: bucket, Key: `${prefix}${contentHash}.zst` }
  }

  return {
    async put(bytes) {
      const { packed, stored } = packSnapshot(bytes)
      const file = await openNameless()
      try {
        let size = 0
        for await (const chunk of packed as AsyncIterable<Buffer>) {
          await file.writeFile(chunk)
          size += chunk.length
        }
        const snapshot = stored()
        await upload(client, at(snapshot.contentHash), { file, size })
        return snapshot
      } finally {
        await file.close()
      }
    },

    async get(contentHash) {
      const { Body } = await client.send(new GetObjectCommand(at(contentHash))).catch((cause: unknown) => {
        throw isMissing(cause) ? new SnapshotMissingError(contentHash) : cause
      })
      return unpackSnapshot(Body as Readable, contentHash)
    },

    has: (contentHash) =>
      client.send(new HeadObjectCommand(at(contentHash))).then(
        () => true,
        (error: unknown) => {
          if (isMissing(error)) return false
          throw error
        },
      ),

    async delete(contentHash) {
      await client.send(new DeleteObjectCommand(at(contentHash)))
    },

    async *list() {
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }))
        for (const { Key = '', LastModified } of Contents) {
          const name = /^([0-9a-f]{64})\.zst$/.exec(Key.slice(prefix.length))?.[1]
          if (name !== undefined) yield { contentHash: name, storedAt: LastModified ?? new Date(0) }
        }
    },

    async removeRemains(olderThanMs) {
      const { Uploads = [] } = await client
        .send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }))
        .catch((error: unknown): { Uploads?: [] } => {
          if ((error as Error).name === 'NotImplemented') return {} // a store that does not tell; its own rules must remove them
          throw error
        })
      for (const { Key, UploadId, Initiated } of Uploads)
        if (Date.now() - (Initiated?.getTime() ?? 0) > olderThanMs)
          await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
    },
  }
}

const upload = async (
  client: S3Client,
  at: { Bucket: string; Key: string },
  { file, size }: { file: FileHandle; size: number },
): Promise<void> => {
  const partBytes = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS))
  const readPart = async (position: number): Promise<Buffer> => {
    const buffer = Buffer.allocUnsafe(Math.min(partBytes, size - position))
    for (let filled = 0; filled < buffer.length; ) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, position + filled)
      if (bytesRead === 0) throw new Error('the packed snapshot is shorter than it was')
      filled += bytesRead
    }
    return buffer
  }
  if (size <= partBytes) {
    await client.send(new PutObjectCommand({ ...at, Body: await readPart(0) }))
    return
  }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(at))
  try {
    const Parts: { PartNumber: number; ETag: string | undefined }[] = []
    for (let position = 0; position < size; position += partBytes) {
      const PartNumber = Parts.length + 1
      const { ETag } = await client.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body: await readPart(position) }))
      Parts.push({ PartNumber, ETag })
    }
    await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }))
  } catch (error) {
    // Where this fails too, removeRemains finds it.
    await client.send(new AbortMultipartUploadCommand({ ...at, UploadId })).catch(() => {})
    throw error
  }
}

const isMissing = (error: unknown): boolean => ['NoSuchKey', 'NotFound'].includes((error as Error).name)

/** Gone with the process, however that ends. */
const openNameless = async (): Promise<FileHandle> => {
  const name = path.join(tmpdir(), `longhaul-snapshot-${randomUUID()}`)
  const file = await open(name, 'wx+', 0o600)
  await unlink(name)
  return file
}
