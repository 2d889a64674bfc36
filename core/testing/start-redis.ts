import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

export type TestRedis = {
  url: string
  /** kill -9: what it held is gone. */
  kill(): Promise<void>
  /** Again on the same port, empty. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Debian's redis-server on a free port, without persistence. */
export const startRedis = async (): Promise<TestRedis> => {
  const port = await findPort()
  const url = `redis://127.0.0.1:${port}`
  let child: ChildProcess | null = null
  const start = async (): Promise<void> => {
    child = spawn(
      'redis-server',
      ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'],
      { stdio: 'ignore' },
    )
    await Promise.race([
      answers(url),
      once(child, 'error').then(([error]) => Promise.reject(error)),
      once(child, 'exit').then(() => Promise.reject(new Error('redis-server did not start'))),
    ])
  }
  const kill = async (): Promise<void> => {
    const running = child
    if (running === null || running.exitCode !== null || running.signalCode !== null) return
    const exited = once(running, 'exit')
    running.kill('SIGKILL')
    await exited
  }
  await start()
  return { url, kill, restart: start, stop: kill }
}

const answers = async (url: string): Promise<void> => {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 })
  client.on('error', () => {}) // until it answers
  for (;;) {
    try {
      await client.connect()
      await client.ping()
      client.disconnect()
      return
    } catch {
      await sleep(20)
    }
  }
}

const findPort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
