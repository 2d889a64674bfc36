import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import pg from 'pg'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { startGate } from '../../testing/start-gate.ts'
import { startRedis, type TestRedis } from '../../testing/start-redis.ts'
import { announcerContract } from './announcer.contract.ts'
import { createPostgresTransport } from './postgres-transport.ts'
import { createRedisTransport } from './redis-transport.ts'

const CHANNELS = ['longhaul_heads', 'longhaul_deltas', 'longhaul_control']
const quiet = pino({ level: 'silent' })

let test: TestDatabase
let redis: TestRedis
beforeAll(async () => {
  ;[test, redis] = await Promise.all([createTestDatabase(), startRedis()])
})
afterAll(async () => {
  await Promise.all([test.close(), redis.stop()])
})

announcerContract('Postgres', () => ({
  createTransport: () => createPostgresTransport(test.url, quiet),
  cutConnections: async () => {
    await test.superuser.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and (query ilike 'listen%' or query ilike '%pg_notify%') and pid <> pg_backend_pid()",
    )
  },
  watchWire: async () => {
    const client = new pg.Client({ connectionString: test.superuserUrl })
    await client.connect()
    client.on('error', () => {})
    const messages: { channel: string; bytes: number }[] = []
    client.on('notification', ({ channel, payload }) => messages.push({ channel, bytes: Buffer.byteLength(payload ?? '') }))
    for (const channel of CHANNELS) await client.query(`listen ${channel}`)
    return { messages, stop: () => client.end() }
  },
}))

announcerContract('Redis', () => ({
  createTransport: () => createRedisTransport(redis.url, quiet),
  cutConnections: async () => {
    const client = new Redis(redis.url)
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    client.disconnect()
  },
  watchWire: async () => {
    const client = new Redis(redis.url)
    const messages: { channel: string; bytes: number }[] = []
    client.on('message', (channel, message) =>
      messages.push({ channel: channel.replace('longhaul:', ''), bytes: Buffer.byteLength(message) }),
    )
    await client.subscribe(...CHANNELS.map((channel) => `longhaul:${channel}`))
    return { messages, stop: async () => client.disconnect() }
  },
}))

it('two installations on one Redis do not hear one another', async () => {
  const [ours, theirs] = ['ours', 'theirs'].map((prefix) => createRedisTransport(redis.url, quiet, prefix))
  const heard: string[] = []
  const arrived = Promise.withResolvers<void>()
  const message = (_channel: string, text: string) => {
    heard.push(text)
    if (text === 'last') arrived.resolve()
  }
  await ours?.subscribe(['longhaul_heads'], { message, gap: () => {} })
  await theirs?.publish('longhaul_heads', 'not for us')
  await ours?.publish('longhaul_heads', 'last')
  await arrived.promise
  await Promise.all([ours?.close(), theirs?.close()])
  expect(heard).toEqual(['last'])
})

describe('listening over Postgres', () => {
  it('tries again at its own pace while the database is away, with one connection in the end', async () => {
    const gate = await startGate(test.url)
    const transport = createPostgresTransport(gate.url, quiet)
    let gaps = 0
    await transport.subscribe(['longhaul_heads'], { message: () => {}, gap: () => gaps++ })
    gate.shut()
    await sleep(2_500) // no event says that nothing happens: the pace itself is what is asked
    expect(gate.attempts()).toBeGreaterThan(3)
    expect(gate.attempts()).toBeLessThanOrEqual(1 + 10) // one every 250 ms, never more of them each time
    gate.open()
    while (gaps === 0) await sleep(5)
    const { rows } = await test.superuser.query(
      "select count(*)::int as listening from pg_stat_activity where datname = current_database() and query = 'listen longhaul_heads'",
    )
    expect([gaps, rows[0].listening]).toEqual([1, 1])
    await transport.close()
    await gate.stop()
  })

  it("tells whoever can't subscribe, and does nothing more behind his back", async () => {
    const gate = await startGate(test.url)
    gate.shut()
    const transport = createPostgresTransport(gate.url, quiet)
    await expect(transport.subscribe(['longhaul_heads'], { message: () => {}, gap: () => {} })).rejects.toThrow()
    await expect(transport.publish('longhaul_heads', '[]')).rejects.toThrow()
    await sleep(700)
    expect(gate.attempts()).toBe(2)
    await transport.close()
    await gate.stop()
  })

  it('stops trying when it is closed meanwhile', async () => {
    const gate = await startGate(test.url)
    const transport = createPostgresTransport(gate.url, quiet)
    await transport.subscribe(['longhaul_heads'], { message: () => {}, gap: () => {} })
    gate.shut()
    while (gate.attempts() < 3) await sleep(5)
    await transport.close()
    gate.open()
    const before = gate.attempts()
    await sleep(700)
    expect(gate.attempts() - before).toBeLessThanOrEqual(1) // the attempt at hand
    const { rows } = await test.superuser.query(
      "select count(*)::int as listening from pg_stat_activity where datname = current_database() and query = 'listen longhaul_heads'",
    )
    expect(rows[0].listening).toBe(0)
    await gate.stop()
  })
})
