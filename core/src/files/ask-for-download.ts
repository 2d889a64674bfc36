import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { createGzip } from 'node:zlib'
import { packArchive } from '../archives/pack-archive.ts'
import type { SnapshotStore } from '../checkpoints/snapshot-store.ts'
import { notFound, PlatformError, TooLargeError } from '../errors.ts'
import type { CoreParts } from '../sessions/change-session.ts'
import { readResources } from '../sessions/read-resources.ts'
import { asTenant } from '../tenants/as-tenant.ts'
import { toAsked } from './answer-file-looks.ts'
import { askWorker } from './ask-worker.ts'
import { awaitLook } from './await-look.ts'
import { type FetchOp, type FileProblem, type StoredDownload, toAbsoluteWorkspacePath } from './file-look.ts'
import type { ArchiveKind } from './store-upload.ts'

/** A worker may have to read and write all of a large workspace before the first byte. */
const PATIENCE_MS = 240_000

export type AskForDownload = {
  tenantId: string
  sessionId: string
  names: readonly string[]
  archive: ArchiveKind | null
  checkpointId: string | null
  /** Goes on with a download that began with these bytes: the same are served while they are kept, whatever the files are by now. */
  goesOnWith: string | null
}

/** `contentHash` is the SHA-256 of the bytes that `open` gives, from their beginning. */
export type OpenedDownload = StoredDownload & { open(): Promise<Readable> }

/**
 * A file, or a folder as a tar, as they are now or were at a checkpoint. Wakes nothing. Throws NOT_FOUND; CONFLICT for a folder that was
 * asked for as a file; UNAVAILABLE when no worker of the session's engine answers; TooLargeError.
 */
export const askForDownload = async (parts: CoreParts & { snapshots: SnapshotStore }, asked: AskForDownload): Promise<OpenedDownload> => {
  const { tenantId, sessionId, checkpointId } = asked
  const path = ['/workspace', ...asked.names].join('/')
  const op: FetchOp = asked.archive === null ? 'fetch' : asked.archive === 'tar' ? 'pack' : 'pack_gz'
  const fromStore = (stored: StoredDownload): OpenedDownload => ({ ...stored, open: () => parts.snapshots.get(stored.contentHash) })
  const kept = await findKept(parts, { ...asked, path, op })
  if (kept !== null) return fromStore(kept)
  const look = await askWorker(parts, { tenantId, sessionId, op, path, checkpointId })
  if (look === null) return openResources(await readFiles(parts, asked), { ...asked, path })
  const answer = await awaitLook(parts, { tenantId, sessionId, id: look.id, patienceMs: PATIENCE_MS })
  if ('stored' in answer) return fromStore(answer.stored)
  throw toRefusal('problem' in answer ? answer.problem : 'unreadable', path)
}

const toRefusal = (problem: FileProblem, path: string): PlatformError => {
  if (problem === 'not_found') return notFound('file or folder', path)
  if (problem === 'is_folder') return isFolder(path)
  if (problem === 'too_large') return new TooLargeError('path', 'smaller: it is more than DOWNLOAD_MAX_MB allows')
  return new PlatformError('UNAVAILABLE', `${path} could not be read now. Try again.`)
}

const isFolder = (path: string): PlatformError =>
  new PlatformError('BAD_USER_INPUT', `${path} is a folder: ask for it with archive=tar or archive=tar.gz.`, {
    field: 'archive',
    reason: 'tar or tar.gz',
  })

/** What an earlier request stored and the caller goes on with; or what was put in as a file and no tool has met yet. */
const findKept = (
  { db }: CoreParts,
  { tenantId, sessionId, names, checkpointId, goesOnWith, path, op }: AskForDownload & { path: string; op: FetchOp },
): Promise<StoredDownload | null> =>
  asTenant(db, tenantId, async (client) => {
    if (goesOnWith !== null) {
      const { rows } = await client.query<StoredDownload>(
        `select content_hash as "contentHash", size_bytes::float8 as "sizeBytes", left_out as "leftOut" from download d
         where session_id = $1 and content_hash = $2 and asked = $3 and expires_at > clock_timestamp() and tenant_id = $4 and ${LIVES} limit 1`,
        [sessionId, goesOnWith, toAsked({ op, path }), tenantId],
      )
      if (rows[0] !== undefined) return rows[0]
    }
    if (op !== 'fetch' || checkpointId !== null) return null
    const { rows } = await client.query<StoredDownload>(
      `select content_hash as "contentHash", stored_bytes::float8 as "sizeBytes", 0 as "leftOut" from upload
       where session_id = $1 and path = $2 and kind = 'file' and placed_seq is null and tenant_id = $3 and ${LIVES} order by seq desc limit 1`,
      [sessionId, names.join('/'), tenantId],
    )
    return rows[0] ?? null
  })

const LIVES = 'exists (select from session where id = $1 and deleted_at is null)'

type File = { names: string[]; content: Buffer }

/** Before there is a sandbox: the files among the resources. */
const readFiles = async ({ db }: CoreParts, of: { tenantId: string; sessionId: string }): Promise<File[]> => {
  const byPath = new Map<string, Buffer>()
  for (const resource of await readResources(db, of)) {
    const path = resource.kind === 'FILE' ? toAbsoluteWorkspacePath(resource.path) : null
    if (resource.kind === 'FILE' && path !== null) byPath.set(path, resource.content)
  }
  return [...byPath].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, content]) => ({ names: path.split('/').slice(2), content }))
}

const openResources = async (
  files: readonly File[],
  { names, archive, path }: { names: readonly string[]; archive: ArchiveKind | null; path: string },
): Promise<OpenedDownload> => {
  const below = files.filter((file) => names.every((name, at) => file.names[at] === name))
  const [exact] = below.filter((file) => file.names.length === names.length)
  if (archive === null) {
    if (exact !== undefined) return openBuffer(exact.content)
    throw below.length > 0 || names.length === 0 ? isFolder(path) : notFound('file or folder', path)
  }
  if (below.length === 0 && names.length > 0) throw notFound('file or folder', path)
  const strip = Math.max(0, names.length - 1)
  const tar = packArchive(async (out) => {
    for (const file of below) {
      const name = names.length === 0 ? `workspace/${file.names.join('/')}` : file.names.slice(strip).join('/')
      await out.write({ name, mode: 0o644, mtime: new Date(0) }, file.content)
    }
  })
  return openBuffer(await buffer(archive === 'tar' ? tar : tar.pipe(createGzip())))
}

const openBuffer = (bytes: Buffer): OpenedDownload => ({
  contentHash: createHash('sha256').update(bytes).digest('hex'),
  sizeBytes: bytes.length,
  leftOut: 0,
  open: async () => Readable.from([bytes], { objectMode: false }),
})
