import { ApolloServer } from '@apollo/server'
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled'
import { fastifyApolloHandler } from '@as-integrations/fastify'
import { PlatformError } from '@longhaul/core/src/errors.ts'
import type { Principal } from '@longhaul/core/src/tenants/role.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { GraphQLFormattedError, GraphQLSchema } from 'graphql'
import { type ApiParts, createContext, type RequestContext } from '../context.ts'
import type { Admission } from '../graphql/admit-request.ts'
import { formatError } from '../graphql/format-error.ts'
import { LIMITS } from '../graphql/limits.ts'
import { readBearer } from './read-bearer.ts'

/** Statuses of requests that were refused as a whole. A request that was executed is 200, whatever its fields say. */
const STATUSES: Record<string, number> = { UNAUTHENTICATED: 401, FORBIDDEN: 403, UNAVAILABLE: 503, INTERNAL: 500 }

/**
 * GraphQL over HTTP: POST with JSON, one operation. Who asks is settled before the body is read, and what is asked before Apollo
 * sees it, so strangers learn nothing of the schema. Returns how to stop.
 */
export const openGraphQLDoor = async (
  app: FastifyInstance,
  { parts, schema, admit }: { parts: ApiParts; schema: GraphQLSchema; admit: Admission },
): Promise<() => Promise<void>> => {
  const principals = new WeakMap<FastifyRequest, Principal>()
  const apollo = new ApolloServer<RequestContext>({
    schema,
    introspection: true,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    parseOptions: { maxTokens: LIMITS.tokens },
    logger: parts.logger,
    formatError: (_, error) => formatError(error, parts.logger),
    plugins: [
      // It instruments every field to find out what may be cached, and nothing may: see the handler's own header.
      ApolloServerPluginCacheControlDisabled(),
      {
        requestDidStart: async () => ({
          willSendResponse: async ({ response, errors }) =>
            setUnavailable(response, errors?.map((error) => formatError(error, parts.logger)) ?? []),
        }),
      },
    ],
  })
  await apollo.start()

  const refuse = (reply: FastifyReply, error: unknown): FastifyReply => {
    const formatted = formatError(error, parts.logger)
    const code = String(formatted.extensions?.['code'])
    return reply
      .code(STATUSES[code] ?? 400)
      .header('content-type', 'application/json; charset=utf-8')
      .send({ errors: [formatted] })
  }

  app.route({
    method: 'POST',
    url: '/graphql',
    bodyLimit: LIMITS.bodyBytes,
    onRequest: async (request, reply) => {
      try {
        const key = readBearer(request.headers.authorization)
        const principal = key === null ? null : await parts.keyring.authenticate(key)
        if (principal === null) throw new PlatformError('UNAUTHENTICATED', 'An API key is needed: Authorization: Bearer <key>.')
        principals.set(request, principal)
      } catch (error) {
        return refuse(reply, error)
      }
    },
    preHandler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      try {
        const { operation } = admit(request.body)
        if (operation === 'subscription')
          throw new PlatformError('BAD_USER_INPUT', 'Subscriptions are served on the WebSocket.', {
            field: 'query',
            reason: 'a query or a mutation',
          })
      } catch (error) {
        return refuse(reply, error)
      }
    },
    errorHandler: (error, _, reply) => refuse(reply, toPlatformError(error)),
    handler: fastifyApolloHandler(apollo, {
      context: async (request) => createContext(parts, principals.get(request as FastifyRequest) as Principal),
    }) as never,
  })
  app.route({
    method: ['GET', 'PUT', 'DELETE', 'PATCH'],
    url: '/graphql',
    handler: (_, reply) =>
      reply
        .code(405)
        .header('allow', 'POST')
        .send({
          errors: [
            formatError(
              new PlatformError('BAD_USER_INPUT', 'GraphQL is asked by POST, or over the WebSocket.', { field: 'method', reason: 'POST' }),
              parts.logger,
            ),
          ],
        }),
  })
  return () => apollo.stop()
}

const setUnavailable = (response: { http: { status?: number | undefined } }, errors: readonly GraphQLFormattedError[]): void => {
  if (errors.some((error) => error.extensions?.['code'] === 'UNAVAILABLE')) response.http.status = 503
}

/** A body that could not be read: too large, not JSON, or not said to be. */
const toPlatformError = (error: Error & { statusCode?: number }): Error => {
  if (error.statusCode === undefined || error.statusCode >= 500) return error
  const reason = error.statusCode === 413 ? `at most ${LIMITS.bodyBytes} bytes` : 'a JSON object, sent as application/json'
  return new PlatformError('BAD_USER_INPUT', `The body can't be read: it must be ${reason}.`, { field: 'body', reason })
}
