import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningPostgres, startPostgres } from './start-postgres.ts'

let dataDir: string
let running: RunningPostgres

beforeAll(async () => {
  dataDir = join(await mkdtemp(join(tmpdir(), 'postgres-')), 'data')
  running = await startPostgres({ dataDir, durable: false })
})
afterAll(async () => {
  await running.stop()
  await rm(join(dataDir, '..'), { recursive: true })
})

async function ask(sql: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: running.superuserUrl })
  await client.connect()
  const { rows } = await client.query({ text: sql, rowMode: 'array' })
  await client.end()
  return rows.flat().map(String)
}

test('it is PostgreSQL 18 in UTF-8 that sorts by code point and listens on loopback alone', async () => {
  const sql = `select current_setting('server_version'), current_setting('server_encoding'), current_setting('listen_addresses'),
    (select datlocale from pg_database where datname = 'postgres')`
  expect(await ask(sql)).toEqual([expect.stringMatching(/^18\./), 'UTF8', '127.0.0.1', 'C.UTF-8'])
})

test('a server whose launcher was killed is adopted with its data, and data and port outlast a stop', async () => {
  await ask('create table kept as select 42 as answer')
  const { pid, port } = running
  await running.stop()

  const script = `import { startPostgres } from ${JSON.stringify(join(import.meta.dirname, 'start-postgres.ts'))}
    const { pid } = await startPostgres({ dataDir: ${JSON.stringify(dataDir)} })
    process.stdout.write(String(pid))
    setInterval(() => {}, 1000)`
  const launcher = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output] = await once(launcher.stdout, 'data')
  launcher.kill('SIGKILL')
  await once(launcher, 'exit')

  running = await startPostgres({ dataDir })
  expect(running).toMatchObject({ pid: Number(output), port, adopted: true })
  expect(running.pid).not.toBe(pid)
  expect(await ask('select answer from kept')).toEqual(['42'])
})

test('after kill -9 of the server it starts again only when the last of its processes is gone: two must never write the same files', async () => {
  const client = new pg.Client({ connectionString: running.superuserUrl })
  client.on('error', () => {}) // it is to be cut off
  await client.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  // Busy, so that it does not notice for a while that its server is gone.
  const busy = client.query('select count(*) from generate_series(1, 8000000)').catch(() => {})
  process.kill(running.pid, 'SIGKILL')
  running = await startPostgres({ dataDir, durable: false })
  // Empty for one that has ended and that nobody has buried.
  expect(await readFile(`/proc/${rows[0]?.pid}/cmdline`, 'utf8').catch(() => '')).toBe('')
  await busy
  expect(await ask('select answer from kept')).toEqual(['42'])
})

test('three launchers at once on one folder share one server', async () => {
  await running.stop()
  const all = await Promise.all([1, 2, 3].map(() => startPostgres({ dataDir, durable: false })))
  running = all[0]!
  expect(new Set(all.map(({ pid }) => pid)).size).toBe(1)
  expect(all.filter(({ adopted }) => !adopted)).toHaveLength(1)
})

test('a port that somebody took in the meantime is given up for another', async () => {
  const taken = running.port
  await running.stop()
  const squatter = createServer().listen(taken, '127.0.0.1')
  await once(squatter, 'listening')
  running = await startPostgres({ dataDir, durable: false })
  squatter.close()
  expect(running.port).not.toBe(taken)
  expect(await ask('select 1')).toEqual(['1'])
})

test('the password is readable by its owner only', async () => {
  expect((await stat(join(dataDir, 'cluster', 'longhaul-password'))).mode & 0o077).toBe(0)
})
