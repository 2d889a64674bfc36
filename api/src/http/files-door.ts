import { PlatformError } from '@longhaul/core/src/errors.ts'
import type { Principal } from '@longhaul/core/src/tenants/role.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type ApiParts, createContext, type RequestContext } from '../context.ts'
import { isId } from '../graphql/parse-input.ts'
import { answerRefusal } from './answer-refusal.ts'
import { readBearer } from './read-bearer.ts'
import { receiveUpload } from './receive-upload.ts'
import { serveDownload } from './serve-download.ts'
import { TransferSlots } from './transfer-slots.ts'
import { beginUpload, describeTus, endUpload, goOnWithUpload, tellUpload } from './tus-door.ts'

type Asked = { context: RequestContext; sessionId: string; slots: TransferSlots }
type Answer = (request: FastifyRequest, reply: FastifyReply, asked: Asked) => FastifyReply | Promise<FastifyReply>

const SAFE_POLICY = "default-src 'none'; sandbox"

/**
 * Files in and out over plain HTTP, with the same keys: never a cookie, no other origin's scripts. Who asks is settled before a body is
 * read, and bodies stream: nothing of them is held here.
 */
export const openFilesDoor = (app: FastifyInstance, parts: ApiParts): void => {
  const slots = new TransferSlots(parts.files.transfers)
  const principals = new WeakMap<FastifyRequest, Principal>()

  void app.register(async (door) => {
    // The body stays what it is: a stream that the route reads.
    door.removeAllContentTypeParsers()
    door.addContentTypeParser('*', (_request, _payload, done) => done(null))
    door.setErrorHandler((error, request, reply) => {
      // Nobody is there any more to be told.
      if (request.raw.destroyed && !request.raw.complete) parts.logger.debug({ err: error }, 'a body broke off')
      return answerRefusal(reply, error, parts.logger)
    })
    door.addHook('onRequest', async (request) => {
      const key = readBearer(request.headers.authorization)
      const principal = key === null ? null : await parts.keyring.authenticate(key)
      if (principal === null) throw new PlatformError('UNAUTHENTICATED', 'An API key is needed: Authorization: Bearer <key>.')
      principals.set(request, principal)
    })

    const answer = (method: string | string[], url: string, run: Answer): void => {
      door.route({
        method,
        url,
        config: { isFile: true },
        exposeHeadRoute: false,
        // After the console's, which is for pages.
        onSend: async (_, reply) => void reply.header('content-security-policy', SAFE_POLICY),
        handler: (request, reply) => {
          const { sessionId } = request.params as { sessionId: string }
          if (!isId(sessionId)) throw new PlatformError('NOT_FOUND', `There is no session ${sessionId}.`)
          return run(request, reply, { context: createContext(parts, principals.get(request) as Principal), sessionId, slots })
        },
      })
    }
    const ofUpload =
      (run: (request: FastifyRequest, reply: FastifyReply, asked: Asked & { uploadId: string }) => Promise<FastifyReply>): Answer =>
      (request, reply, asked) =>
        run(request, reply, { ...asked, uploadId: (request.params as { uploadId: string }).uploadId })
    const refuseMethod =
      (...allowed: string[]): Answer =>
      (_, reply) =>
        answerRefusal(
          reply.header('allow', allowed.join(', ')),
          new PlatformError('BAD_USER_INPUT', `This is asked by ${allowed.join(', ')}.`, { field: 'method', reason: allowed.join(', ') }),
          parts.logger,
          405,
        )

    for (const url of ['/sessions/:sessionId/files', '/sessions/:sessionId/files/*']) {
      answer(['GET', 'HEAD'], url, serveDownload)
      answer('PUT', url, receiveUpload)
      answer(['POST', 'PATCH', 'DELETE', 'OPTIONS'], url, refuseMethod('GET', 'HEAD', 'PUT'))
    }
    answer('POST', '/sessions/:sessionId/uploads', beginUpload)
    answer('OPTIONS', '/sessions/:sessionId/uploads', (_, reply, asked) => describeTus(reply, asked))
    answer(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'], '/sessions/:sessionId/uploads', refuseMethod('POST', 'OPTIONS'))
    answer('HEAD', '/sessions/:sessionId/uploads/:uploadId', ofUpload(tellUpload))
    answer('PATCH', '/sessions/:sessionId/uploads/:uploadId', ofUpload(goOnWithUpload))
    answer('DELETE', '/sessions/:sessionId/uploads/:uploadId', ofUpload(endUpload))
    answer(['GET', 'PUT', 'POST', 'OPTIONS'], '/sessions/:sessionId/uploads/:uploadId', refuseMethod('HEAD', 'PATCH', 'DELETE'))
  })
}
