import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'

let database: TestDatabase
const processes: ChildProcess[] = []
beforeAll(async () => {
  database = await createTestDatabase()
})
afterEach(() => {
  for (const child of processes.splice(0)) child.kill('SIGKILL')
})
afterAll(() => database.close())

/** The api as a process of its own; what it says on stderr is kept. */
const start = (environment: Record<string, string>) => {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'main.ts')], {
    env: { PATH: process.env['PATH'], PORT: '0', ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  processes.push(child)
  const said: string[] = []
  child.stderr?.on('data', (data) => said.push(String(data)))
  const text = () => said.join('')
  const url = () =>
    vi.waitFor(
      () => {
        const found = /"url":"([^"]+)"/.exec(text())?.[1]
        if (found === undefined) throw new Error(text())
        return found
      },
      { timeout: 20_000 },
    )
  return { child, text, url }
}

const ask = (url: string, key: string, query = '{ viewer { role } }') =>
  fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query }),
  })

/** A way to the database that can be cut. */
const startProxy = async (target: URL): Promise<{ url: string; cut(): void; mend(): void; stop(): void }> => {
  const sockets = new Set<Socket>()
  let isCut = false
  const server: Server = createServer((socket) => {
    if (isCut) return socket.destroy()
    const upstream = connect(Number(target.port), target.hostname)
    for (const one of [socket, upstream]) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        socket.destroy()
        upstream.destroy()
      })
    }
    socket.pipe(upstream).pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  url.port = String((server.address() as { port: number }).port)
  return {
    url: url.href,
    cut: () => {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    mend: () => {
      isCut = false
    },
    stop: () => void server.close(),
  }
}

test('wrong settings are named, and the process ends before it listens', async () => {
  const { child, text } = start({ PORT: 'x', DATABASE_URL: 'mysql://secret@nowhere/x' })
  expect(await once(child, 'exit')).toEqual([1, null])
  expect(text()).toBe(
    'PORT must be a whole number from 0 to 65535.\nDATABASE_URL must be a URL that begins with postgres:// or postgresql://.\n',
  )
})

test("an operator's key is made and shown once, and SIGTERM ends the process well", async () => {
  const first = start({ DATABASE_URL: database.url })
  const url = await first.url()
  expect(new URL(url).hostname).toBe('127.0.0.1')
  const key = /shown this once: (\S+)/.exec(first.text())?.[1] as string
  expect(await (await ask(url, key)).json()).toEqual({ data: { viewer: { role: 'OPERATOR' } } })
  const second = start({ DATABASE_URL: database.url })
  expect(await (await ask(await second.url(), key)).json()).toEqual({ data: { viewer: { role: 'OPERATOR' } } })
  expect(second.text()).not.toContain('lh_')
  first.child.kill('SIGTERM')
  expect(await once(first.child, 'exit')).toEqual([0, null])
})

test('without its database it answers 503 UNAVAILABLE, and goes on when it is back', async () => {
  const proxy = await startProxy(new URL(database.url))
  const { child, url, text } = start({ DATABASE_URL: proxy.url, OPERATOR_KEY: 'an operator key of ours' })
  const base = await url()
  const list = () => ask(base, 'an operator key of ours', '{ tenants { edges { cursor } } }')
  expect((await list()).status).toBe(200)
  proxy.cut()
  const down = await list()
  expect(down.status).toBe(503)
  expect(await down.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAVAILABLE' } }] })
  expect((await fetch(`${base}/readyz`)).status).toBe(503)
  expect((await fetch(`${base}/healthz`)).status).toBe(200)
  // A key that nobody remembers can't be looked up: that is no reason to call it wrong.
  expect((await ask(base, `lh_${'0'.repeat(10)}_${'0'.repeat(52)}0000000`)).status).toBe(401)
  expect((await ask(base, (await import('@longhaul/core/src/tenants/api-key.ts')).createApiKeySecret().secret)).status).toBe(503)
  proxy.mend()
  await vi.waitFor(async () => expect((await list()).status).toBe(200), { timeout: 10_000 })
  expect(text()).not.toMatch(/unhandled/i)
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  proxy.stop()
})
