import { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { type Gate, startGate } from '../../testing/start-gate.ts'
import { startRedis, type TestRedis } from '../../testing/start-redis.ts'
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
