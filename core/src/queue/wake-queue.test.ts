import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test as it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { type Gate, startGate } from '../../testing/start-gate.ts'
import { startRedis, type TestRedis } from '../../testing/start-redis.ts'
import { createWakeQueue } from './bullmq-wake-queue.ts'
import { wakeQueueContract } from './wake-queue.contract.ts'

let test: TestDatabase
let gate: Gate
let redis: TestRedis
beforeAll(async () => {
  ;[test, redis] = await Promise.all([createTestDatabase(), startRedis()])
  gate = await startGate(test.url)
})
afterAll(async () => {
  await gate.stop()
  await Promise.all([test.close(), redis.stop()])
})

wakeQueueContract('Postgres', () => ({
  backend: { kind: 'postgres', url: gate.url },
  empty: async () => {
    const { rows } = await test.superuser.query<{ name: string }>(
      "select quote_ident(tablename) as name from pg_tables where schemaname = 'longhaul_queue' and tablename ~ 'job'",
    )
    for (const { name } of rows) await test.superuser.query(`truncate longhaul_queue.${name} cascade`)
  },
  takeDown: async () => gate.shut(),
  bringBack: async () => gate.open(),
}))

wakeQueueContract('Redis', () => ({
  backend: { kind: 'redis', url: redis.url },
  empty: async () => {
    const client = new Redis(redis.url)
    await client.flushall()
    client.disconnect()
  },
  takeDown: () => redis.kill(),
  bringBack: () => redis.restart(),
}))

it('two installations on one Redis take nothing of one another', async () => {
  const quiet = pino({ level: 'silent' })
  const taken: string[] = []
  const open = (prefix: string) => createWakeQueue({ kind: 'redis', url: redis.url, prefix }, quiet)
  const [ours, theirs] = [open('ours'), open('theirs')]
  const consume = (queue: typeof ours, who: string) =>
    queue.consume({ engineId: null, concurrency: 5, onWake: async ({ turnId }) => void taken.push(`${who} ${turnId}`) })
  await consume(ours, 'ours')
  await consume(theirs, 'theirs')
  for (const queue of [theirs, ours]) queue.send([{ tenantId: 'tnt_1', turnId: 'trn_1', wakeNo: 1, engineId: null, rank: 1 }])
  while (taken.length < 2) await new Promise((resolve) => setTimeout(resolve, 10))
  await Promise.all([ours.close(), theirs.close()])
  expect(taken.toSorted()).toEqual(['ours trn_1', 'theirs trn_1'])
})

it('a process that has closed its queue ends by itself, though Redis is down', async () => {
  const program = `
    const { createWakeQueue } = await import(${JSON.stringify(path.join(import.meta.dirname, 'bullmq-wake-queue.ts'))})
    const { pino } = await import('pino')
    const queue = createWakeQueue({ kind: 'redis', url: 'redis://127.0.0.1:1' }, pino({ level: 'silent' }))
    await queue.consume({ engineId: 'engine', concurrency: 2, onWake: async () => {} })
    queue.send([{ tenantId: 'tnt_1', turnId: 'trn_1', wakeNo: 1, engineId: null, rank: 1 }])
    await queue.close()`
  const options = { cwd: import.meta.dirname, timeout: 30_000 }
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], options) // killed, and refused, when it lives on
}, 40_000)

it('a queue whose first word fell into an absence of its database brings its wakes all the same', async () => {
  const away = await startGate(test.url)
  const queue = createWakeQueue({ kind: 'postgres', url: away.url }, pino({ level: 'silent' }))
  const taken: string[] = []
  away.shut()
  queue.send([{ tenantId: 'tnt_1', turnId: 'trn_late', wakeNo: 1, engineId: null, rank: 1 }])
  // The hint's connection, and the queue's own.
  while (away.attempts() < 2) await new Promise((resolve) => setTimeout(resolve, 10))
  away.open()
  const other = createWakeQueue({ kind: 'postgres', url: test.url }, pino({ level: 'silent' }))
  await other.consume({ engineId: null, concurrency: 1, onWake: async ({ turnId }) => void taken.push(turnId) })
  while (!taken.includes('trn_late')) await new Promise((resolve) => setTimeout(resolve, 10))
  await Promise.all([queue.close(), other.close()])
  await away.stop()
}, 20_000)

it('a consumer whose first word fell into an absence of its database takes what comes once it is back', async () => {
  const away = await startGate(test.url)
  const queue = createWakeQueue({ kind: 'postgres', url: away.url }, pino({ level: 'silent' }))
  const taken: string[] = []
  away.shut()
  const consuming = queue.consume({ engineId: null, concurrency: 1, onWake: async ({ turnId }) => void taken.push(turnId) })
  while (away.attempts() < 1) await new Promise((resolve) => setTimeout(resolve, 10))
  away.open()
  await consuming
  const other = createWakeQueue({ kind: 'postgres', url: test.url }, pino({ level: 'silent' }))
  other.send([{ tenantId: 'tnt_1', turnId: 'trn_back', wakeNo: 1, engineId: null, rank: 1 }])
  while (!taken.includes('trn_back')) await new Promise((resolve) => setTimeout(resolve, 10))
  await Promise.all([queue.close(), other.close()])
  await away.stop()
}, 20_000)
