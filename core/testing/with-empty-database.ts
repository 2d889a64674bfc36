import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { TestDatabase } from './database.ts'

/** A database with nothing in it, beside the test's own, for as long as it is used. */
export const withEmptyDatabase = async <T>(
  test: Pick<TestDatabase, 'superuser' | 'superuserUrl'>,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> => {
  const name = `empty_${randomUUID().slice(0, 8)}`
  await test.superuser.query(`create database ${name}`)
  const url = new URL(test.superuserUrl)
  url.pathname = `/${name}`
  const client = new pg.Client({ connectionString: url.href })
  try {
    await client.connect()
    return await use(client)
  } finally {
    await client.end()
    await test.superuser.query(`drop database ${name}`)
  }
}
