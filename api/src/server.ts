/**
 * Owns the doors: who may ask, in which words, and how much at once. Must never decide what an operation does (core does), hold
 * state that another api process would miss, or tell a caller more than its key allows.
 */
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { badInput } from '@longhaul/core/src/errors.ts'
import fastify, { type FastifyError, type FastifyReply } from 'fastify'
import type { ApiParts } from './context.ts'
import { createAdmission } from './graphql/admit-request.ts'
import { buildExecutableSchema } from './graphql/build-schema.ts'
import { answerRefusal } from './http/answer-refusal.ts'
import { openConsoleDoor } from './http/console-door.ts'
import { openFilesDoor } from './http/files-door.ts'
import { openGraphQLDoor } from './http/graphql-door.ts'
import { openHealthDoor } from './http/health-door.ts'
import { limitArrival } from './http/limit-arrival.ts'
import { countRequests } from './http/metrics-door.ts'
import { openSocketDoor } from './http/socket-door.ts'
import { createSessionChanges } from './live/session-changes.ts'
import { createSessionFeed } from './live/session-feed.ts'
import { resolverTables } from './modules/resolvers.ts'

export type RunningApi = {
  /** Where GraphQL is not: the console's address, without a slash at its end. */
  url: string
  port: number
  /** Takes no more, lets what was begun end, closes sockets. */
  stop(): Promise<void>
}

/** A request that does not arrive whole in this time is cut off. */
const REQUEST_MS = 60_000

export const startApi = async (
  parts: ApiParts,
  { host, port, webDir = path.join(import.meta.dirname, '../../web/dist') }: { host: string; port: number; webDir?: string },
): Promise<RunningApi> => {
  const schema = buildExecutableSchema(resolverTables)
  const admit = createAdmission(schema)
  const live = { events: createSessionFeed(parts), changes: createSessionChanges(parts) }
  let stopping = false

  const app = fastify({
    forceCloseConnections: 'idle',
    // Bodies of files take as long as they take: each door has its own say. Headers must come at once.
    requestTimeout: 0,
    return503OnClosing: true,
    // A path that is no percent-encoded UTF-8 reaches no route.
    frameworkErrors: (_, __, reply) => void answerRefusal(reply as FastifyReply, badInput('path', 'percent-encoded UTF-8'), parts.logger),
  })
  app.server.headersTimeout = REQUEST_MS
  limitArrival(app, REQUEST_MS)
  app.removeContentTypeParser('text/plain')
  countRequests(app)
  app.setErrorHandler((error: FastifyError, _, reply) => {
    const status = error.statusCode ?? 500
    if (status >= 500) parts.logger.error({ err: error }, 'a request failed')
    return reply
      .code(status)
      .type('text/plain; charset=utf-8')
      .send(status >= 500 ? 'Something went wrong on our side.\n' : `${error.message}\n`)
  })
  openHealthDoor(app, { db: parts.db, isStopping: () => stopping })
  const closeGraphQL = await openGraphQLDoor(app, { parts, schema, admit })
  openFilesDoor(app, parts)
  const closeSockets = openSocketDoor(app.server, { parts, schema, admit, live })
  await openConsoleDoor(app, webDir)
  await app.listen({ host, port })

  const address = app.server.address() as AddressInfo
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    port: address.port,
    stop: async () => {
      stopping = true
      live.events.close()
      live.changes.close()
      await closeSockets()
      await app.close()
      await closeGraphQL()
    },
  }
}
