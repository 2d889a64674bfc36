import { badInput, TooLargeError } from '@longhaul/core/src/errors.ts'
import { acceptUpload } from '@longhaul/core/src/files/accept-upload.ts'
import { refuseBeforeBody } from '@longhaul/core/src/files/refuse-before-body.ts'
import { refuseNoName, storeUpload } from '@longhaul/core/src/files/store-upload.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RequestContext } from '../context.ts'
import { parseFileAddress } from './parse-file-address.ts'
import { readBody } from './read-body.ts'
import type { TransferSlots } from './transfer-slots.ts'

/** A body as a file, or unpacked as a folder, of the session's workspace. Answers once it can't be lost; a turn puts it in. */
export const receiveUpload = async (
  request: FastifyRequest,
  reply: FastifyReply,
  { context, sessionId, slots }: { context: RequestContext; sessionId: string; slots: TransferSlots },
): Promise<FastifyReply> => {
  const caller = context.caller('MEMBER')
  const { names, archive, checkpointId } = parseFileAddress(request.raw.url ?? '')
  if (checkpointId !== null) throw badInput('checkpoint', 'left out: a checkpoint can only be read')
  if (archive === null) refuseNoName(names)
  const { parts } = context
  await refuseBeforeBody(parts, caller, sessionId)
  const length = Number(request.headers['content-length'] ?? 0)
  if (archive === null && length > parts.files.uploadMaxBytes)
    throw new TooLargeError('body', `at most ${parts.files.uploadMaxBytes} bytes`)
  const giveBack = slots.take(caller.tenantId)
  try {
    const bytes = readBody(request.raw)
    const upload = await storeUpload(parts.snapshots, { names, archive }, { bytes, limits: parts.files })
    const { seq } = await acceptUpload(parts, caller, { sessionId, upload })
    const { path, kind, files, sizeBytes, digest } = upload
    return reply.code(201).header('cache-control', 'no-store').send({ seq, path, kind, files, sizeBytes, digest })
  } finally {
    giveBack()
  }
}
