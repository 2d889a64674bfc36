import { Readable } from 'node:stream'
import { SnapshotMissingError } from '@longhaul/core/src/checkpoints/snapshot-store.ts'
import { notFound, PlatformError } from '@longhaul/core/src/errors.ts'
import { askForDownload, type OpenedDownload } from '@longhaul/core/src/files/ask-for-download.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RequestContext } from '../context.ts'
import { isId } from '../graphql/parse-input.ts'
import { loadOne } from '../modules/load-one.ts'
import { type FileAddress, parseFileAddress } from './parse-file-address.ts'
import type { TransferSlots } from './transfer-slots.ts'

const STALL_MS = 60_000
const TYPES = { file: 'application/octet-stream', tar: 'application/x-tar', 'tar.gz': 'application/gzip' } as const

/** What an agent wrote is never shown in the console's origin: it is saved, whatever it looks like, and would run in none. */
const SAFE = {
  'content-security-policy': "default-src 'none'; sandbox",
  'x-content-type-options': 'nosniff',
  'cache-control': 'private, no-cache',
  'accept-ranges': 'bytes',
}

/**
 * A file, or a folder as a tar, from where its session's files are: wakes nothing. Its ETag is the digest of the bytes, so that who comes
 * back with it and a range gets the rest of the same bytes, or all of the new ones.
 */
export const serveDownload = async (
  request: FastifyRequest,
  reply: FastifyReply,
  { context, sessionId, slots }: { context: RequestContext; sessionId: string; slots: TransferSlots },
): Promise<FastifyReply> => {
  const address = parseFileAddress(request.raw.url ?? '')
  const { tenantId, load } = await context.locate('session', sessionId)
  await loadOne(load.session, 'session', sessionId)
  const { checkpointId } = address
  if (checkpointId !== null && !isId(checkpointId)) throw notFound('checkpoint', checkpointId)
  const giveBack = slots.take(tenantId)
  reply.raw.once('close', giveBack)
  const { parts } = context
  const goesOnWith = parseEtag(request.headers['if-range'])
  const download = await askForDownload(parts, {
    tenantId,
    sessionId,
    ...address,
    goesOnWith: request.headers.range === undefined ? null : goesOnWith,
  })
  const etag = `"${download.contentHash}"`
  reply.headers({ ...SAFE, etag, 'content-disposition': toDisposition(address) }).type(TYPES[address.archive ?? 'file'])
  if (address.archive !== null) reply.header('x-longhaul-left-out', String(download.leftOut))
  if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send()
  const range =
    request.headers['if-range'] === undefined || goesOnWith === download.contentHash
      ? parseRange(request.headers.range, download.sizeBytes)
      : 'all'
  if (range === 'none') return reply.code(416).header('content-range', `bytes */${download.sizeBytes}`).header('content-length', '0').send()
  const { from, to } = range === 'all' ? { from: 0, to: download.sizeBytes - 1 } : range
  reply.header('content-length', String(to - from + 1))
  if (range !== 'all') reply.code(206).header('content-range', `bytes ${from}-${to}/${download.sizeBytes}`)
  if (request.method === 'HEAD') return reply.send()
  // A reader that has stopped reading would keep the store's stream open.
  reply.raw.setTimeout(STALL_MS, () => reply.raw.destroy())
  return reply.send(await openRange(download, { from, to }))
}

const toDisposition = ({ names, archive }: FileAddress): string => {
  const name = `${names.at(-1) ?? 'workspace'}${archive === null ? '' : `.${archive}`}`
  const escaped = encodeURIComponent(name).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
  return `attachment; filename*=UTF-8''${escaped}`
}

/** The digest in a strong tag of ours; null for anything else, such as a date. */
const parseEtag = (tag: string | string[] | undefined): string | null => /^"([0-9a-f]{64})"$/.exec(String(tag))?.[1] ?? null

const matches = (header: string | undefined, etag: string): boolean =>
  header !== undefined && (header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag))

/** One range of bytes. What is none of the protocol's, or several, is answered with all; `none` where nothing lies in it. */
const parseRange = (header: string | undefined, size: number): { from: number; to: number } | 'all' | 'none' => {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return 'all'
  if (first === '') return Number(last) === 0 || size === 0 ? 'none' : { from: Math.max(0, size - Number(last)), to: size - 1 }
  if (last !== '' && Number(last) < Number(first)) return 'all'
  return Number(first) >= size ? 'none' : { from: Number(first), to: Math.min(size - 1, last === '' ? size - 1 : Number(last)) }
}

/** The store gives an object from its beginning; what stands before the range is read and left out. */
const openRange = async (download: OpenedDownload, range: { from: number; to: number }): Promise<Readable> => {
  const bytes = await download.open().catch((error: unknown) => {
    if (!(error instanceof SnapshotMissingError)) throw error
    throw new PlatformError('UNAVAILABLE', 'What was stored for this download is gone: ask again.', {}, { cause: error })
  })
  if (range.from === 0 && range.to === download.sizeBytes - 1) return bytes
  return Readable.from(cut(bytes, { ...range, size: download.sizeBytes }), { objectMode: false })
}

/** Where the end is wanted it is read to its end, and so found to be what was stored. */
async function* cut(bytes: Readable, { from, to, size }: { from: number; to: number; size: number }): AsyncGenerator<Buffer> {
  let at = 0
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    const [start, end] = [Math.max(0, from - at), Math.min(chunk.length, to + 1 - at)]
    at += chunk.length
    if (start < end) yield chunk.subarray(start, end)
    if (at > to && to < size - 1) return
  }
}
