// A client of the public API: queries and mutations over HTTP, subscriptions over graphql-transport-ws.
import { createClient } from 'graphql-ws'

/** A GraphQL error, with the platform's closed code ("NOT_FOUND", …) in `code`. */
export class ApiError extends Error {
  readonly code: string
  constructor(message: string, code: string) {
    super(message)
    this.name = 'ApiError'
    this.code = code
  }
}

export type ApiClient = {
  /** Rejects with an ApiError, or with the network's error. */
  request<T>(document: string, variables?: Record<string, unknown>): Promise<T>
  /** Ends when the server completes; rejects when the socket breaks. It does not reconnect. */
  subscribe<T>(document: string, variables?: Record<string, unknown>): AsyncIterableIterator<T>
  /** Closes the socket: open subscriptions end. */
  close(): void
}

type Answer<T> = { data?: T | null; errors?: readonly { message: string; extensions?: Record<string, unknown> }[] }

/** `url` is the GraphQL endpoint, such as http://127.0.0.1:4000/graphql. */
export function createApiClient({ url, key }: { url: string; key: string }): ApiClient {
  const authorization = `Bearer ${key}`
  const socket = createClient({ url: url.replace(/^http/, 'ws'), connectionParams: { authorization }, retryAttempts: 0, lazy: true })

  async function request<T>(document: string, variables: Record<string, unknown> = {}): Promise<T> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query: document, variables }),
    })
    const text = await response.text()
    if (!text.startsWith('{')) throw new ApiError(`${url} answered ${response.status}: ${text.slice(0, 200)}`, 'INTERNAL')
    return unwrap(JSON.parse(text) as Answer<T>)
  }

  async function* subscribe<T>(document: string, variables: Record<string, unknown> = {}): AsyncIterableIterator<T> {
    try {
      for await (const answer of socket.iterate<T>({ query: document, variables })) yield unwrap(answer as Answer<T>)
    } catch (error) {
      throw toApiError(error)
    }
  }

  return { request, subscribe, close: () => void socket.dispose() }
}

/** The socket's refusals as ApiErrors; a connection that broke stays what it is, and may be tried again. */
function toApiError(error: unknown): unknown {
  if (Array.isArray(error)) return new ApiError(String(error[0]?.message), String(error[0]?.extensions?.code ?? 'INTERNAL'))
  const { code, reason } = error as { code?: unknown; reason?: unknown }
  // graphql-transport-ws: 4400 to 4499 say that the client is wrong, such as 4401 Unauthorized and 4403 Forbidden.
  if (typeof code !== 'number' || code < 4400 || code > 4499) return error
  return new ApiError(
    `the api closed the connection: ${reason || code}`,
    code === 4401 || code === 4403 ? 'UNAUTHENTICATED' : 'BAD_USER_INPUT',
  )
}

function unwrap<T>({ data, errors }: Answer<T>): T {
  const first = errors?.[0]
  if (first) throw new ApiError(first.message, String(first.extensions?.code ?? 'INTERNAL'))
  if (data === undefined || data === null) throw new ApiError('the answer holds neither data nor errors', 'INTERNAL')
  return data
}
