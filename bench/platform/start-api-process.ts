import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'
import { type Child, startChild } from './start-child.ts'
import { storeOf } from './store-of.ts'

/** An api as a user runs it. `url` has no path. */
export const startApiProcess = async (test: TestDatabase): Promise<Child & { url: string }> => {
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const api = await startChild(
    'api/src/main.ts',
    {
      DATABASE_URL: test.url,
      SNAPSHOT_URL: storeOf(test),
      PORT: String(port),
      OPERATOR_KEY: 'a-benchmark-operator-key',
      LOG_LEVEL: 'warn',
    },
    () => isReady(url),
  )
  return { ...api, url }
}

const isReady = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok
  } catch {
    await sleep(20) // not listening yet
    return false
  }
}

const findFreePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
