import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** In front of a server: passes connections through, or closes each at once. */
export type Gate = { url: string; attempts(): number; shut(): void; open(): void; stop(): Promise<void> }

export const startGate = async (targetUrl: string): Promise<Gate> => {
  const target = new URL(targetUrl)
  const sockets = new Set<Socket>()
  let attempts = 0
  let shut = false
  const server = createServer((socket) => {
    attempts++
    socket.on('error', () => {}) // its other end says the same
    if (shut) {
      socket.destroy()
      return
    }
    const upstream = connect(Number(target.port), target.hostname)
    upstream.on('error', () => {})
    upstream.on('close', () => socket.destroy())
    socket.on('close', () => {
      upstream.destroy()
      sockets.delete(socket)
    })
    socket.pipe(upstream).pipe(socket)
    sockets.add(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(targetUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: url.href,
    attempts: () => attempts,
    shut: () => {
      shut = true
      cut()
    },
    open: () => {
      shut = false
    },
    stop: async () => {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
