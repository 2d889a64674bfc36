import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type TcpProxy = {
  port: number
  /** A URL of the server behind, by way of the proxy. */
  through(url: string): string
  /** Resets every connection there is; new ones are let in. */
  cut(): void
  /** Resets every connection, and new ones too, until `up`. */
  down(): void
  up(): void
  /** Connections that were reset at once, because the proxy was down. */
  refused(): number
  /**
   * The next answer to bytes that fit is kept from the client, whose connection is reset: what it asked for is done, and it does not
   * know. Resolves when that has happened.
   */
  loseAnswer(fits: (sent: Buffer) => boolean): Promise<void>
  stop(): Promise<void>
}

type Pair = { client: Socket; server: Socket; losing: (() => void) | null }

/** A wire that a test can cut, between a client and a server on this machine, which listens on a port or on a socket's path. */
export const startTcpProxy = async (target: { port: number } | { path: string }): Promise<TcpProxy> => {
  const pairs = new Set<Pair>()
  const losses: { fits: (sent: Buffer) => boolean; done: () => void }[] = []
  let isDown = false
  let refused = 0

  const listener = createServer((client) => {
    client.on('error', () => client.destroy()) // the test cut it, or its owner did
    if (isDown) {
      refused++
      client.resetAndDestroy()
      return
    }
    const server = connect('path' in target ? target : { ...target, host: '127.0.0.1' })
    const pair: Pair = { client, server, losing: null }
    pairs.add(pair)
    server.on('error', () => client.resetAndDestroy())
    client.on('data', (sent: Buffer) => {
      const at = losses.findIndex(({ fits }) => fits(sent))
      if (at !== -1) pair.losing = losses.splice(at, 1)[0]?.done ?? null
      server.write(sent)
    })
    server.on('data', (answer: Buffer) => {
      if (pair.losing === null) {
        client.write(answer)
        return
      }
      const { losing } = pair
      pair.losing = null
      reset(pair)
      losing()
    })
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on('end', () => to.end())
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
    }
  })
  const reset = ({ client, server }: Pair): void => {
    client.resetAndDestroy()
    server.destroy()
  }
  const cut = (): void => {
    for (const pair of pairs) reset(pair)
  }
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo

  return {
    port,
    through: (url) => {
      const moved = new URL(url)
      moved.host = `127.0.0.1:${port}`
      return moved.href
    },
    cut,
    down: () => {
      isDown = true
      cut()
    },
    up: () => {
      isDown = false
    },
    refused: () => refused,
    loseAnswer: (fits) => new Promise((done) => losses.push({ fits, done })),
    stop: async () => {
      cut()
      listener.close()
      await once(listener, 'close')
    },
  }
}
