import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { startPostgres } from './start-postgres.ts'

const TEMPLATE = 'longhaul_template'

/** One server for a whole run, with one migrated database that every test file clones. Not durable for tests; durable for benchmarks. */
export const startTemplateDatabase = async (
  options: { dataDir?: string; durable?: boolean } = {},
): Promise<{ superuserUrl: string; stop(): Promise<void> }> => {
  const dataDir = options.dataDir ?? (await mkdtemp(path.join(tmpdir(), 'longhaul-test-')))
  await chmod(dataDir, 0o755) // the server runs as a user of its own where the tests run as root
  const server = await startPostgres({ dataDir, durable: options.durable ?? false })
  const client = new pg.Client({ connectionString: server.superuserUrl })
  await client.connect()
  await client.query("create role longhaul_login login password 'longhaul' nosuperuser nocreatedb nocreaterole nobypassrls")
  await client.query(`create database ${TEMPLATE}`)
  await client.end()
  // A process of its own: the engine keeps a connection for as long as it lives, and a template may have none.
  const superuserUrl = toDatabase(server.superuserUrl, TEMPLATE)
  await promisify(execFile)(process.execPath, [path.join(import.meta.dirname, '../../prisma/src/migrate-main.ts')], {
    env: { ...process.env, MIGRATE_DATABASE_URL: superuserUrl, DATABASE_URL: asLogin(superuserUrl) },
  })
  return {
    superuserUrl: server.superuserUrl,
    stop: async () => {
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** A clone of the template: `url` for the application's login, `superuserUrl` for a test that looks from outside. */
export const cloneTemplate = async (serverUrl: string, name: string): Promise<{ url: string; superuserUrl: string }> => {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    // Two clones at once wait for one another: CREATE DATABASE needs the template to itself.
    await client.query("select pg_advisory_lock(hashtext('longhaul.template'))")
    await client.query(`create database ${name} template ${TEMPLATE}`)
    await client.query(`grant create on database ${name} to longhaul_queue`) // a clone does not take the database's own grants along
  } finally {
    await client.end()
  }
  const superuserUrl = toDatabase(serverUrl, name)
  return { url: asLogin(superuserUrl), superuserUrl }
}

export const dropDatabase = async (serverUrl: string, name: string): Promise<void> => {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  await client.query(`drop database if exists ${name} with (force)`)
  await client.end()
}

const toDatabase = (serverUrl: string, name: string): string => {
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

const asLogin = (superuserUrl: string): string => {
  const url = new URL(superuserUrl)
  url.username = 'longhaul_login'
  url.password = 'longhaul'
  return url.href
}
