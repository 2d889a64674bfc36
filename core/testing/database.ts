import { randomBytes } from 'node:crypto'
import { type Database, openDatabase } from '@longhaul/prisma/src/client.ts'
import pg from 'pg'
import { cloneTemplate, dropDatabase } from './template-database.ts'

/** Where the test run's server is, as the global set-up left it. */
export const TEST_POSTGRES = 'LONGHAUL_TEST_POSTGRES'

export type TestDatabase = {
  url: string
  superuserUrl: string
  db: Database
  /** Looks and changes from outside, past row security. */
  superuser: pg.Pool
  close(): Promise<void>
}

/** A real database of its own, migrated, as the application sees it. Close it in afterAll. `server`: another than the test run's. */
export const createTestDatabase = async (options: { maxConnections?: number; server?: string } = {}): Promise<TestDatabase> => {
  const server = options.server ?? process.env[TEST_POSTGRES]
  if (server === undefined) throw new Error(`${TEST_POSTGRES} is not set: tests run under vitest, whose global set-up starts a PostgreSQL`)
  const name = `test_${randomBytes(6).toString('hex')}`
  const { url, superuserUrl } = await cloneTemplate(server, name)
  const { maxConnections } = options
  const db = openDatabase({ url, ...(maxConnections === undefined ? {} : { maxConnections }) })
  const superuser = new pg.Pool({ connectionString: superuserUrl, max: 4 })
  // The database is dropped under its connections, those that idle and those that are just being ended.
  superuser.on('error', () => {})
  superuser.on('connect', (client) => client.on('error', () => {}))
  return {
    url,
    superuserUrl,
    db,
    superuser,
    close: async () => {
      await db.close()
      await superuser.end()
      await dropDatabase(server, name)
    },
  }
}
