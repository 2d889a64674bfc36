import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDatabase } from './client.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

it('a connection that breaks between two statements of a transaction ends no process: its next statement fails', async () => {
  const client = await test.db.app.connect()
  await client.query('begin')
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  const ended = new Promise((resolve) => client.once('end', resolve))
  await test.superuser.query('select pg_terminate_backend($1)', [rows[0]?.pid])
  await ended
  await expect(client.query('commit')).rejects.toThrow()
  client.release(true)
  expect((await test.db.app.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

it('a question that is never answered ends with an error, and the next one is asked on another connection', async () => {
  const db = openDatabase({ url: test.url, queryTimeoutMs: 300 })
  await expect(db.system.query('select pg_sleep(60)')).rejects.toThrow(/timeout/i)
  expect((await db.system.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await db.close()
})
