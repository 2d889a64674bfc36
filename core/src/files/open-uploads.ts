/** Uploads in pieces, as tus has them: each piece is a stored object of its own, and the whole is taken with the last one. */
import { Readable } from 'node:stream'
import type { SnapshotStore } from '../checkpoints/snapshot-store.ts'
import { notFound, PlatformError } from '../errors.ts'
import { createId } from '../ids.ts'
import type { Caller, CoreParts } from '../sessions/change-session.ts'
import { asTenant } from '../tenants/as-tenant.ts'
import { acceptUpload } from './accept-upload.ts'
import type { FileLimits } from './file-limits.ts'
import { nameContent } from './name-content.ts'
import { type ArchiveKind, storeUpload, type UploadPlace } from './store-upload.ts'

export type OpenUpload = UploadPlace & {
  id: string
  lengthBytes: number
  receivedBytes: number
  /** Its event, once it was taken. */
  seq: number | null
  expiresAt: Date
}
type Of = { tenantId: string; sessionId: string; uploadId: string }
type Row = { path: string; kind: 'file' | ArchiveKind; length: string; received: string; seq: number | null; expires_at: Date }

const RETRY_MS = 60_000

/** Throws RATE_LIMITED while the tenant has as many as it may. */
export const createOpenUpload = (
  { db }: Pick<CoreParts, 'db'>,
  { tenantId, sessionId }: { tenantId: string; sessionId: string },
  { names, archive, lengthBytes, limits }: UploadPlace & { lengthBytes: number; limits: FileLimits },
): Promise<OpenUpload> =>
  asTenant(db, tenantId, async (client) => {
    // Counted one after the other, or many at once would all be the last.
    await client.query("select pg_advisory_xact_lock(hashtextextended('open_upload ' || $1, 0))", [tenantId])
    const { rows: counted } = await client.query<{ open: number }>(
      'select count(*)::int as open from open_upload where tenant_id = $1 and seq is null and expires_at > clock_timestamp()',
      [tenantId],
    )
    if ((counted[0]?.open ?? 0) >= limits.openUploads)
      throw new PlatformError('RATE_LIMITED', `This tenant has ${limits.openUploads} open uploads: finish or end one.`, {
        retryAfterMs: RETRY_MS,
      })
    const id = createId('upl')
    const { rows } = await client.query<Row>(
      `insert into open_upload (id, tenant_id, session_id, path, kind, length_bytes, expires_at)
       values ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7 * interval '1 millisecond') returning ${COLUMNS}`,
      [id, tenantId, sessionId, names.join('/'), archive ?? 'file', lengthBytes, limits.uploadKeepMs],
    )
    return toOpenUpload(id, rows[0] as Row)
  })

/** Throws NOT_FOUND for one that is not the session's, was ended or has expired. */
export const findOpenUpload = ({ db }: Pick<CoreParts, 'db'>, of: Of): Promise<OpenUpload> =>
  asTenant(db, of.tenantId, async (client) => {
    const { rows } = await client.query<Row>(`select ${COLUMNS} ${FROM_OPEN}`, [of.tenantId, of.sessionId, of.uploadId])
    if (rows[0] === undefined) throw notFound('upload', of.uploadId)
    return toOpenUpload(of.uploadId, rows[0])
  })

/** A piece that is stored, at its place. False where another one was there first. */
export const addPart = (
  { db, snapshots }: Pick<CoreParts, 'db'> & { snapshots: SnapshotStore },
  of: Of,
  part: { fromByte: number; sizeBytes: number; contentHash: string; keepMs: number },
): Promise<boolean> =>
  asTenant(db, of.tenantId, async (client) => {
    const { rowCount } = await client.query(
      `update open_upload set received_bytes = received_bytes + $4, expires_at = clock_timestamp() + $5 * interval '1 millisecond'
       where id = $1 and session_id = $2 and received_bytes = $3 and tenant_id = $6 and seq is null and expires_at > clock_timestamp()`,
      [of.uploadId, of.sessionId, part.fromByte, part.sizeBytes, part.keepMs, of.tenantId],
    )
    if (rowCount === 0) return false
    if (part.sizeBytes > 0) await nameContent(client, snapshots, part.contentHash)
    if (part.sizeBytes > 0)
      await client.query(
        'insert into open_upload_part (upload_id, from_byte, tenant_id, size_bytes, content_hash) values ($1, $2, $3, $4, $5)',
        [of.uploadId, part.fromByte, of.tenantId, part.sizeBytes, part.contentHash],
      )
    return true
  })

/** All pieces are there: taken as one body is, once, whoever asks again. What is refused is ended. */
export const finishOpenUpload = async (
  parts: CoreParts & { snapshots: SnapshotStore },
  caller: Caller,
  { sessionId, open, limits }: { sessionId: string; open: OpenUpload; limits: FileLimits },
): Promise<number> => {
  const of = { tenantId: caller.tenantId, sessionId, uploadId: open.id }
  if (open.seq !== null) return open.seq
  try {
    const bytes = Readable.from(readParts(parts, of), { objectMode: false })
    const upload = await storeUpload(parts.snapshots, open, { bytes, limits })
    const { seq } = await acceptUpload(parts, caller, {
      sessionId,
      upload,
      also: async (client, at) => {
        const { rowCount } = await client.query('update open_upload set seq = $2 where id = $1 and seq is null', [open.id, at])
        if (rowCount === 0) throw new TakenError()
        await client.query('delete from open_upload_part where upload_id = $1', [open.id])
      },
    })
    return seq
  } catch (error) {
    if (error instanceof TakenError) return (await findOpenUpload(parts, of)).seq ?? 0
    if (error instanceof PlatformError && error.code === 'BAD_USER_INPUT') await endOpenUpload(parts, of)
    throw error
  }
}

/** Idempotent. What was taken stays taken. */
export const endOpenUpload = ({ db }: Pick<CoreParts, 'db'>, of: Of): Promise<void> =>
  asTenant(db, of.tenantId, async (client) => {
    await client.query('delete from open_upload where tenant_id = $1 and session_id = $2 and id = $3', [
      of.tenantId,
      of.sessionId,
      of.uploadId,
    ])
  })

/** Somebody else finished it at the same time. */
class TakenError extends Error {}

const COLUMNS = 'path, kind, length_bytes::text as length, received_bytes::text as received, seq, expires_at'
const FROM_OPEN = 'from open_upload where tenant_id = $1 and session_id = $2 and id = $3 and expires_at > clock_timestamp()'

const toOpenUpload = (id: string, row: Row): OpenUpload => ({
  id,
  names: row.path === '' ? [] : row.path.split('/'),
  archive: row.kind === 'file' ? null : row.kind,
  lengthBytes: Number(row.length),
  receivedBytes: Number(row.received),
  seq: row.seq,
  expiresAt: row.expires_at,
})

async function* readParts({ db, snapshots }: Pick<CoreParts, 'db'> & { snapshots: SnapshotStore }, of: Of): AsyncGenerator<Buffer> {
  const hashes = await asTenant(db, of.tenantId, async (client) => {
    const { rows } = await client.query<{ hash: string }>(
      'select content_hash as hash from open_upload_part where upload_id = $1 order by from_byte',
      [of.uploadId],
    )
    return rows.map(({ hash }) => hash)
  })
  for (const hash of hashes) yield* await snapshots.get(hash)
}
