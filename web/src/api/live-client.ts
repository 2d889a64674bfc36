import { stringifyDocument, type TypedDocumentNode } from '@urql/core'
import { type Client, createClient } from 'graphql-ws'
import { createStore, type Store } from './store.ts'

/** `idle`: nothing is followed. `lost`: nothing arrives, and the console keeps trying to connect again. */
export type LiveState = 'idle' | 'connecting' | 'live' | 'lost'

export type LiveClient = {
  state: Store<LiveState>
  /**
   * Subscribes, again after each break, with `variables()` as they are then: that is how a log goes on after the last event seen.
   * `onOpen` is called each time the socket carries the subscription; an answer that is an error ends it, through `onFault`.
   */
  follow<T, V extends Record<string, unknown>>(
    document: TypedDocumentNode<T, V>,
    options: { variables: () => V; onNext: (answer: T) => void; onOpen?: () => void; onFault?: (errors: unknown) => void },
  ): () => void
  close(): void
}

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5_000
const PING_MS = 8_000
/** A socket that does not answer a ping in this time is taken for dead: networks that went away say nothing. */
const PONG_MS = 4_000
/** A clock that stood still for longer than this was asleep, and so were its connections. */
const ASLEEP_MS = 10_000
const NORMAL = 1000
const UNAUTHORIZED = 4401

export const createLiveClient = (key: string, onRefused: () => void): LiveClient => {
  const state = createStore<LiveState>('idle')
  const stopped = new AbortController()
  let waited = 0
  let pongDue: ReturnType<typeof setTimeout> | undefined

  const client: Client = createClient({
    url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
    connectionParams: { authorization: `Bearer ${key}` },
    retryAttempts: 0,
    lazyCloseTimeout: 2_000,
    keepAlive: PING_MS,
    on: {
      connecting: () => {
        if (state.get() === 'idle') state.set('connecting')
      },
      connected: () => {
        waited = 0
        state.set('live')
      },
      closed: (event) => {
        clearTimeout(pongDue)
        const code = (event as CloseEvent).code
        if (code === UNAUTHORIZED) onRefused()
        // A normal end: nobody follows anything at the moment.
        else state.set(code === NORMAL ? 'idle' : 'lost')
      },
      ping: (received) => {
        if (!received) pongDue = setTimeout(() => client.terminate(), PONG_MS)
      },
      pong: (received) => {
        if (received) clearTimeout(pongDue)
      },
    },
  })

  const terminate = () => {
    client.terminate()
    if (state.get() === 'live') state.set('lost')
  }
  const signal = stopped.signal
  addEventListener('offline', terminate, { signal })
  let lastTick = Date.now()
  const tick = setInterval(() => {
    if (Date.now() - lastTick > ASLEEP_MS) terminate()
    lastTick = Date.now()
  }, 1_000)

  /** Longer each time; ended early when the browser says that the network is back. */
  const waitToRetry = (): Promise<void> => {
    const ms = Math.min(FIRST_WAIT_MS * 2 ** waited++, LONGEST_WAIT_MS)
    return new Promise((resolve) => {
      setTimeout(resolve, ms)
      addEventListener('online', () => resolve(), { once: true, signal })
    })
  }

  return {
    state,
    follow: (document, { variables, onNext, onOpen, onFault }) => {
      let ended = false
      let leave = () => {}
      const query = stringifyDocument(document)
      /** Resolves when the subscription has ended in good order, rejects with its errors or with how the socket broke. */
      const once = () => {
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        const forget = onOpen ? client.on('connected', onOpen) : () => {}
        if (state.get() === 'live') onOpen?.()
        const take = ({ data, errors }: { data?: unknown; errors?: readonly unknown[] }) => {
          if (errors) reject(errors)
          else if (data) onNext(data as never)
        }
        leave = client.subscribe({ query, variables: variables() }, { next: take, error: reject, complete: resolve })
        return promise.finally(forget)
      }
      const keepOn = async () => {
        while (!ended && !signal.aborted) {
          try {
            await once()
          } catch (error) {
            if (Array.isArray(error)) {
              ended = true
              leave()
              onFault?.(error)
            }
            // Otherwise the socket broke, and `closed` has said so.
          }
          if (!ended) await waitToRetry()
        }
      }
      void keepOn()
      return () => {
        ended = true
        leave()
      }
    },
    close: () => {
      stopped.abort()
      clearInterval(tick)
      void client.dispose()
    },
  }
}
