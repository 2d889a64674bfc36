import { badInput, PlatformError, TooLargeError } from '@longhaul/core/src/errors.ts'
import {
  addPart,
  createOpenUpload,
  endOpenUpload,
  findOpenUpload,
  finishOpenUpload,
  type OpenUpload,
} from '@longhaul/core/src/files/open-uploads.ts'
import { refuseBeforeBody } from '@longhaul/core/src/files/refuse-before-body.ts'
import { limitBytes, refuseNoName } from '@longhaul/core/src/files/store-upload.ts'
import { parseWorkspaceNames } from '@longhaul/core/src/files/workspace-name.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RequestContext } from '../context.ts'
import { isId } from '../graphql/parse-input.ts'
import { parseArchive } from './parse-file-address.ts'
import { readBody } from './read-body.ts'
import type { TransferSlots } from './transfer-slots.ts'

/**
 * tus 1.0.0 (https://tus.io/protocols/resumable-upload): the core, and its extensions creation, termination and expiration. The subset
 * is written here because what @tus/server adds would have to be taken away again: it answers CORS, keeps its locks in one process, and
 * its stores append to files, while ours holds whole objects that any api may add to.
 */
const VERSION = '1.0.0'
const MAX_METADATA = 8_192

type Asked = { context: RequestContext; sessionId: string; slots: TransferSlots }

export const describeTus = (reply: FastifyReply, { context }: Pick<Asked, 'context'>): FastifyReply =>
  reply
    .code(204)
    .headers({
      'tus-resumable': VERSION,
      'tus-version': VERSION,
      'tus-extension': 'creation,termination,expiration',
      'tus-max-size': String(context.parts.files.uploadMaxBytes),
    })
    .send()

class WrongVersionError extends PlatformError {
  readonly httpStatus = 412
}

/** Another version of the protocol has another status. */
const requireVersion = (request: FastifyRequest, reply: FastifyReply): void => {
  reply.headers({ 'tus-resumable': VERSION, 'cache-control': 'no-store' })
  if (request.headers['tus-resumable'] !== VERSION)
    throw new WrongVersionError('BAD_USER_INPUT', `Tus-Resumable must be ${VERSION}.`, { field: 'Tus-Resumable', reason: VERSION })
}

export const beginUpload = async (request: FastifyRequest, reply: FastifyReply, { context, sessionId }: Asked): Promise<FastifyReply> => {
  requireVersion(request, reply)
  const caller = context.caller('MEMBER')
  const { parts } = context
  const lengthBytes = parseCount(request, 'upload-length')
  const metadata = parseMetadata(request.headers['upload-metadata'])
  const names = parseWorkspaceNames(metadata.get('path') ?? metadata.get('filename') ?? '', 'Upload-Metadata.path')
  const archive = parseArchive(metadata.get('archive') ?? null)
  if (archive === null) refuseNoName(names)
  await refuseBeforeBody(parts, caller, sessionId)
  if (lengthBytes > parts.files.uploadMaxBytes) throw new TooLargeError('Upload-Length', `at most ${parts.files.uploadMaxBytes}`)
  const open = await createOpenUpload(parts, { tenantId: caller.tenantId, sessionId }, { names, archive, lengthBytes, limits: parts.files })
  if (lengthBytes === 0) await finishOpenUpload(parts, caller, { sessionId, open, limits: parts.files })
  return reply
    .code(201)
    .headers({ location: `/sessions/${sessionId}/uploads/${open.id}`, ...toHeaders(open) })
    .send()
}

/** What it says is there is durable; where all is there it has been taken, or is now. */
export const tellUpload = async (
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked & { uploadId: string },
): Promise<FastifyReply> => {
  requireVersion(request, reply)
  const { open } = await find(asked)
  await finishWhole(asked, open)
  return reply
    .code(200)
    .headers({ ...toHeaders(open), 'upload-length': String(open.lengthBytes) })
    .send()
}

export const goOnWithUpload = async (
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked & { uploadId: string },
): Promise<FastifyReply> => {
  requireVersion(request, reply)
  const { context, sessionId, slots } = asked
  const { parts } = context
  if (request.headers['content-type'] !== 'application/offset+octet-stream')
    throw badInput('Content-Type', 'application/offset+octet-stream')
  const fromByte = parseCount(request, 'upload-offset')
  const { caller, open, of } = await find(asked)
  await refuseBeforeBody(parts, caller, sessionId)
  if (fromByte !== open.receivedBytes) throw wrongOffset(open.id, open.receivedBytes)
  if (fromByte === open.lengthBytes) {
    await finishWhole(asked, open)
    return reply.code(204).headers(toHeaders(open)).send()
  }
  const giveBack = slots.take(caller.tenantId)
  try {
    const rest = open.lengthBytes - fromByte
    // A connection that breaks costs what was on its way and nothing more.
    const stored = await parts.snapshots.put(limitBytes(readBody(request.raw, { keepPart: true }), rest))
    const part = { fromByte, sizeBytes: stored.sizeBytes, contentHash: stored.contentHash, keepMs: parts.files.uploadKeepMs }
    if (!(await addPart(parts, of, part))) throw wrongOffset(open.id, (await findOpenUpload(parts, of)).receivedBytes)
    const now = await findOpenUpload(parts, of)
    await finishWhole(asked, now)
    return reply.code(204).headers(toHeaders(now)).send()
  } finally {
    giveBack()
  }
}

export const endUpload = async (
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked & { uploadId: string },
): Promise<FastifyReply> => {
  requireVersion(request, reply)
  const { of } = await find(asked)
  await endOpenUpload(asked.context.parts, of)
  return reply.code(204).send()
}

/** Throws NOT_FOUND for a session or an upload that is not the caller's. */
const find = async ({ context, sessionId, uploadId }: Asked & { uploadId: string }) => {
  const caller = context.caller('MEMBER')
  if (!isId(uploadId)) throw new PlatformError('NOT_FOUND', `There is no upload ${uploadId}.`)
  const of = { tenantId: caller.tenantId, sessionId, uploadId }
  return { caller, of, open: await findOpenUpload(context.parts, of) }
}

const finishWhole = async ({ context, sessionId }: Asked, open: OpenUpload): Promise<void> => {
  if (open.receivedBytes < open.lengthBytes || open.seq !== null) return
  await finishOpenUpload(context.parts, context.caller('MEMBER'), { sessionId, open, limits: context.parts.files })
}

const toHeaders = (open: OpenUpload): Record<string, string> => ({
  'upload-offset': String(open.receivedBytes),
  'upload-expires': open.expiresAt.toUTCString(),
})

const wrongOffset = (id: string, receivedBytes: number): PlatformError =>
  new PlatformError('CONFLICT', `Upload ${id} has ${receivedBytes} bytes: go on from there.`, { status: String(receivedBytes) })

const parseCount = (request: FastifyRequest, name: 'upload-length' | 'upload-offset'): number => {
  const text = request.headers[name]
  if (typeof text !== 'string' || !/^\d{1,15}$/.test(text))
    throw badInput(name === 'upload-length' ? 'Upload-Length' : 'Upload-Offset', 'a whole number of bytes')
  return Number(text)
}

/** `key base64,key base64`; a key may stand alone. Values are UTF-8. */
const parseMetadata = (header: string | string[] | undefined): Map<string, string> => {
  if (header === undefined) return new Map()
  if (typeof header !== 'string' || header.length > MAX_METADATA) throw badInput('Upload-Metadata', `at most ${MAX_METADATA} bytes`)
  return new Map(
    header.split(',').map((pair) => {
      const [key = '', value = ''] = pair.trim().split(' ')
      if (key === '' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
        throw badInput('Upload-Metadata', 'pairs of a key and base64, separated by commas')
      return [key, Buffer.from(value, 'base64').toString('utf8')]
    }),
  )
}
