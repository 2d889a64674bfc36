import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findFreePort } from './launcher/find-free-port.ts'
import { createApiClient } from './session/api-client.ts'

type Started = { child: ChildProcess; ready: { ready: boolean; url: string; operatorKey: string }; stdout: string[]; stderr: () => string }

let folder: string
let port: number
const running: ChildProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'start-'))
  port = (await findFreePort(0))!
})
afterEach(async () => {
  for (const child of running.splice(0)) if (child.exitCode === null && child.signalCode === null) await stop(child, 'SIGTERM')
  await rm(folder, { recursive: true, force: true })
})

/** `npm start -- --no-demo --no-install`, until it prints its line. Without Docker: how tools run is not what is tested here. */
async function start(): Promise<Started> {
  const env = { ...process.env, DATA_DIR: join(folder, 'data'), PORT: String(port), SANDBOX: 'process', NO_COLOR: '1' }
  const args = [join(import.meta.dirname, 'start.ts'), '--no-demo', '--no-install']
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.push(child)
  const stdout: string[] = []
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => stdout.push(line))
  const first = await Promise.race([once(lines, 'line'), once(child, 'close').then(() => undefined)])
  if (!first) throw new Error(`it ended before it was ready: ${stderr}`)
  return { child, ready: JSON.parse(first[0] as string), stdout, stderr: () => stderr }
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const closed = once(child, 'close')
  child.kill(signal)
  return (await closed)[0]
}

const tenantsOf = async ({ ready }: Started) => {
  const client = createApiClient({ url: `${ready.url}/graphql`, key: ready.operatorKey })
  const { tenants } = await client.request<{ tenants: { edges: { node: { slug: string } }[] } }>('{ tenants { edges { node { slug } } } }')
  return tenants.edges.map(({ node }) => node.slug)
}

test('it prints one line on stdout when ready, drains at a signal, and the next start has all data', async () => {
  const first = await start()
  expect(first.ready).toEqual({ ready: true, url: `http://127.0.0.1:${port}`, operatorKey: expect.any(String) })
  const operator = createApiClient({ url: `${first.ready.url}/graphql`, key: first.ready.operatorKey })
  await operator.request('mutation { createTenant(input: { slug: "kept", name: "Kept" }) { tenant { id } } }')
  expect(first.stderr()).toContain('WITHOUT ISOLATION')
  expect((await stat(join(folder, 'data', 'operator-key'))).mode & 0o077).toBe(0)
  expect(await stop(first.child, 'SIGTERM')).toBe(0)
  expect(first.stdout).toHaveLength(1)

  const second = await start()
  expect(second.ready).toEqual(first.ready)
  expect(await tenantsOf(second)).toEqual(['kept'])
}, 120_000)

test('after a kill -9 of the launcher the next start takes over its database and ends what was left', async () => {
  const first = await start()
  const { children } = JSON.parse(await readFile(join(folder, 'data', 'running.json'), 'utf8')) as { children: { pid: number }[] }
  await stop(first.child, 'SIGKILL')
  const second = await start()
  expect(await tenantsOf(second)).toEqual([])
  for (const { pid } of children) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
}, 120_000)

test('a worker that is killed comes back', async () => {
  const first = await start()
  const worker = Number(/worker +pid (\d+)/.exec(first.stderr())?.[1])
  process.kill(worker, 'SIGKILL')
  while (!/started again as pid \d+/.test(first.stderr())) await once(first.child.stderr!, 'data')
  expect(first.stderr()).toContain(`worker (pid ${worker}) ended with SIGKILL`)
}, 120_000)
