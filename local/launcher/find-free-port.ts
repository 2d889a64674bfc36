// Ports of 127.0.0.1, asked of the system.
import { createServer } from 'node:net'

/** The port when nobody listens on it (any free one for 0), else undefined. */
export function findFreePort(port: number, host = '127.0.0.1'): Promise<number | undefined> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(undefined))
    server.listen(port, host, () => {
      const address = server.address()
      server.close(() => done(typeof address === 'object' && address ? address.port : undefined))
    })
  })
}
