// The database of one machine: the embedded PostgreSQL in DATA_DIR with a login of its own for api and worker, or the one that
// DATABASE_URL names; either way migrated.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPostgres } from '@longhaul/core/testing/start-postgres.ts'
import pg from 'pg'
import { keepSecret } from './keep-secret.ts'
import type { Screen } from './screen.ts'

export type PreparedDatabase = {
  /** What api and worker use. */
  databaseUrl: string
  stop(): Promise<void>
}

const DATABASE = 'longhaul'
const LOGIN = 'longhaul'

export async function prepareDatabase({
  root,
  dataDir,
  screen,
}: {
  root: string
  dataDir: string
  screen: Screen
}): Promise<PreparedDatabase> {
  const given = process.env.DATABASE_URL
  if (given) {
    await screen.step('migrating the database of DATABASE_URL', () => migrate(root, process.env.MIGRATE_DATABASE_URL ?? given, given))
    return { databaseUrl: given, stop: async () => {} }
  }
  const postgres = await screen.step('PostgreSQL 18', (onProgress) => startPostgres({ dataDir: join(dataDir, 'postgres'), onProgress }))
  if (postgres.adopted) screen.say(`  it was still running (pid ${postgres.pid})`)
  try {
    const password = await keepSecret(join(dataDir, 'database-password'))
    await ensureLogin(postgres.superuserUrl, password)
    const migrateUrl = toUrl(postgres.superuserUrl, { pathname: `/${DATABASE}` })
    const databaseUrl = toUrl(migrateUrl, { username: LOGIN, password })
    await migrateOnce({ root, dataDir, screen, migrateUrl, databaseUrl })
    return { databaseUrl, stop: postgres.stop }
  } catch (error) {
    await postgres.stop()
    throw error
  }
}

/** A database, and a login that owns nothing: migrating lets it become the application's roles. */
async function ensureLogin(superuserUrl: string, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl })
  await client.connect()
  try {
    const { rows } = await client.query(
      'select (select true from pg_roles where rolname = $1) as role, (select true from pg_database where datname = $2) as database',
      [LOGIN, DATABASE],
    )
    const secret = client.escapeLiteral(password)
    await client.query(
      `${rows[0]?.role ? 'alter' : 'create'} role ${LOGIN} login nosuperuser nocreatedb nocreaterole nobypassrls password ${secret}`,
    )
    if (!rows[0]?.database) await client.query(`create database ${DATABASE}`)
  } finally {
    await client.end()
  }
}

/**
 * Starting the schema engine to learn that there is nothing to do takes most of a second. So the embedded database keeps, beside its
 * cluster, the hash of what it was last migrated with.
 */
async function migrateOnce(given: {
  root: string
  dataDir: string
  screen: Screen
  migrateUrl: string
  databaseUrl: string
}): Promise<void> {
  const { root, dataDir, screen, migrateUrl, databaseUrl } = given
  const file = join(dataDir, 'postgres', 'migrated')
  const hash = await hashMigrations(join(root, 'prisma'))
  if ((await readFile(file, 'utf8').catch(() => '')) === hash) return // not there: never migrated
  // The superuser's address goes to this short-lived process only: api and worker never see it.
  await screen.step('database schema', () => migrate(root, migrateUrl, databaseUrl))
  await writeFile(file, hash)
}

async function hashMigrations(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const part of ['migrations', 'sql', 'src']) {
    const entries = await readdir(join(folder, part), { recursive: true, withFileTypes: true })
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    for (const path of paths.sort()) hash.update(path.slice(folder.length)).update(await readFile(path))
  }
  return hash.digest('hex')
}

/** In a process of its own: the schema engine keeps its advisory lock while its process lives. */
function migrate(root: string, migrateUrl: string, databaseUrl: string): Promise<void> {
  const env = { ...process.env, MIGRATE_DATABASE_URL: migrateUrl, DATABASE_URL: databaseUrl }
  const child = spawn(process.execPath, [join(root, 'prisma', 'src', 'migrate-main.ts')], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  return new Promise((done, fail) => {
    child.on('error', fail)
    child.on('close', (code) => (code === 0 ? done() : fail(new Error(`the database could not be migrated: ${output.trim()}`))))
  })
}

function toUrl(from: string, parts: Partial<Pick<URL, 'username' | 'password' | 'pathname'>>): string {
  return Object.assign(new URL(from), parts).href
}
