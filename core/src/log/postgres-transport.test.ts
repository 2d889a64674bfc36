import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { startTcpProxy, type TcpProxy } from '../../testing/tcp-proxy.ts'
import { createLogger } from '../logger.ts'
import type { AnnouncementTransport } from './announcer.ts'
import { createPostgresTransport } from './postgres-transport.ts'

let test: TestDatabase
let proxy: TcpProxy
let transport: AnnouncementTransport
let heard: string[]
let gaps: number

beforeEach(async () => {
  test = await createTestDatabase()
  proxy = await startTcpProxy({ port: Number(new URL(test.url).port) })
  transport = createPostgresTransport(proxy.through(test.url), createLogger({ name: 'test', level: 'silent' }))
  heard = []
  gaps = 0
  await transport.subscribe(['longhaul_heads'], { message: (_channel, message) => heard.push(message), gap: () => gaps++ })
})
afterEach(async () => {
  await transport.close()
  await proxy.stop()
  await test.close()
})

const until = async (fits: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await fits())) await new Promise((resolve) => setTimeout(resolve, 20))
}
const say = (message: string) => test.superuser.query("select pg_notify('longhaul_heads', $1)", [message])
const listeners = async (): Promise<number> => {
  const { rows } = await test.superuser.query(
    "select count(*)::int as n from pg_stat_activity where datname = current_database() and query like 'listen %'",
  )
  return rows[0].n
}

describe('announcements over Postgres', () => {
  it('are heard again, once each, after a database that was out of reach for many attempts', async () => {
    proxy.down()
    await until(() => proxy.refused() >= 4)
    proxy.up()
    await until(() => gaps > 0)
    await say('one')
    await until(() => heard.length > 0)
    await say('two')
    await until(() => heard.includes('two'))
    expect(heard).toEqual(['one', 'two'])
    expect(gaps).toBe(1)
    expect(await listeners()).toBe(1)
  })

  it('are sent again after a cut', async () => {
    await transport.publish('longhaul_heads', 'before')
    await until(() => heard.length === 1)
    proxy.cut()
    await until(() => gaps === 1)
    await until(() =>
      transport.publish('longhaul_heads', 'after').then(
        () => true,
        () => false, // what was under way is lost, as announcements may be
      ),
    )
    await until(() => heard.includes('after'))
  })

  it('end with the transport, also while it tries to connect', async () => {
    proxy.down()
    await until(() => proxy.refused() > 0)
    await transport.close()
    proxy.up()
    await until(async () => (await listeners()) === 0)
  })
})
