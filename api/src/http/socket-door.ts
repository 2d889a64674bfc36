import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { isDatabaseUnreachable, PlatformError } from '@longhaul/core/src/errors.ts'
import type { Principal } from '@longhaul/core/src/tenants/role.ts'
import { type ExecutionArgs, execute, type GraphQLSchema } from 'graphql'
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import { type ApiParts, createContext } from '../context.ts'
import { type Admission, toGraphQLError } from '../graphql/admit-request.ts'
import { formatError } from '../graphql/format-error.ts'
import { LIMITS } from '../graphql/limits.ts'
import { createSubscribe, type Live, type SubscriptionContext } from '../subscriptions/subscribe.ts'
import { countSubscriptions } from './metrics-door.ts'
import { readBearer } from './read-bearer.ts'
import { SocketConnection } from './socket-connection.ts'

/** Keys of open sockets are looked at so often; with the keyring's memory a revoked one is out within 5 s. */
const CHECK_KEYS_MS = 1_500
/** A peer that is gone without a word is found within two of these. */
const PING_MS = 15_000
const TRY_AGAIN_LATER = 1013
const GOING_AWAY = 1001

/**
 * GraphQL over a WebSocket (graphql-transport-ws) on the HTTP server's own port. Nothing of HTTP's gate is on the way of a frame, so
 * each one passes through the same `admit`, and its errors through the same `formatError`. Returns how to stop.
 */
export const openSocketDoor = (
  server: Server,
  { parts, schema, admit, live }: { parts: ApiParts; schema: GraphQLSchema; admit: Admission; live: Live },
): (() => Promise<void>) => {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: LIMITS.bodyBytes,
    perMessageDeflate: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
  })
  const connections = new Set<SocketConnection>()
  const subscribe = countSubscriptions(createSubscribe(parts, live))

  const graphql = makeServer<Record<string, unknown>, SocketConnection>({
    connectionInitWaitTimeout: LIMITS.connectionInitMs,
    onConnect: async ({ connectionParams, extra }) => {
      const key = readBearer(connectionParams?.['authorization'])
      try {
        const principal = key === null ? null : await parts.keyring.authenticate(key)
        if (principal !== null && key !== null) return extra.signIn(key, principal)
        extra.close(CloseCode.Unauthorized, 'UNAUTHENTICATED')
      } catch (error) {
        if (!isDatabaseUnreachable(error)) parts.logger.error({ err: error }, 'a socket could not be signed in')
        extra.close(TRY_AGAIN_LATER, 'UNAVAILABLE')
      }
      return false
    },
    onSubscribe: ({ extra, subscriptions }, id, payload): ExecutionArgs | ReturnType<typeof toGraphQLError>[] => {
      try {
        if (Object.keys(subscriptions).length > LIMITS.subscriptionsPerSocket) {
          throw new PlatformError('RATE_LIMITED', `A socket carries ${LIMITS.subscriptionsPerSocket} operations at once; open another.`, {
            retryAfterMs: 1_000,
          })
        }
        const { document, variables, operationName } = admit(payload)
        const context = createContext(parts, extra.principal as Principal)
        const contextValue: SubscriptionContext = { ...context, sink: extra.sinkOf(id) }
        return { schema, document, variableValues: variables, operationName, contextValue }
      } catch (error) {
        return [toGraphQLError(error)]
      }
    },
    execute: (args) => execute(args),
    subscribe,
    onNext: (_, __, ___, ____, { errors, ...rest }) =>
      errors ? { ...rest, errors: errors.map((error) => formatError(error, parts.logger)) } : undefined,
    onError: (_, __, ___, errors) => errors.map((error) => formatError(error, parts.logger)),
  })

  const open = (socket: WebSocket, stream: Duplex): void => {
    const connection = new SocketConnection(socket, stream, parts.logger)
    connections.add(connection)
    const closed = graphql.opened(connection, connection)
    socket.on('error', (error) => parts.logger.debug({ err: error }, 'a socket reports an error'))
    socket.once('close', (code, reason) => {
      connections.delete(connection)
      connection.gone()
      void closed(code, reason.toString())
    })
  }

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const refusal = refuseUpgrade(request)
    if (refusal === null) sockets.handleUpgrade(request, socket, head, (webSocket) => open(webSocket, socket))
    else socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  }
  server.on('upgrade', upgrade)

  const checkKeys = setInterval(() => {
    for (const connection of connections) void connection.checkKey(parts.keyring)
  }, CHECK_KEYS_MS)
  const ping = setInterval(() => {
    for (const connection of connections) connection.ping()
  }, PING_MS)

  return async () => {
    clearInterval(checkKeys)
    clearInterval(ping)
    server.off('upgrade', upgrade)
    for (const connection of connections) connection.close(GOING_AWAY, 'going away')
    await Promise.all([...connections].map((connection) => connection.closed))
    sockets.close()
  }
}

/** A browser says which page asks: only our own may. Other clients send no Origin. */
const refuseUpgrade = ({ url, headers: { origin, host } }: IncomingMessage): string | null => {
  if (url?.split('?')[0] !== '/graphql') return '404 Not Found'
  if (origin === undefined) return null
  return URL.parse(origin)?.host === host ? null : '403 Forbidden'
}
