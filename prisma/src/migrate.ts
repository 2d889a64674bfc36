/** Brings a database to this release: roles, migrations, SQL functions, grants. Safe to run by many processes at once. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { noFilter, openSchemaEngine, readMigrations } from './schema-engine.ts'

const roles = ['longhaul_owner', 'longhaul_app', 'longhaul_system', 'longhaul_queue'] as const
const lockWaitMs = 60_000

/**
 * `migrateUrl`'s role makes and owns; `databaseUrl`'s login is allowed to become the application's roles.
 * Returns the names of the migrations that were applied. Throws with the database's own words when one fails.
 */
export const migrate = async (urls: { migrateUrl: string; databaseUrl: string }): Promise<{ applied: string[] }> => {
  const client = new pg.Client({ connectionString: urls.migrateUrl })
  await client.connect()
  try {
    await takeMigrationLock(client)
    await prepareRoles(client, new URL(urls.databaseUrl).username)
    const applied = await applyMigrations(urls.migrateUrl)
    await applyFunctions(client)
    return { applied }
  } finally {
    await client.end()
  }
}

const takeMigrationLock = async (client: pg.Client): Promise<void> => {
  await client.query(`set lock_timeout = ${lockWaitMs}`)
  await client.query("select pg_advisory_lock(hashtext('longhaul.migrate'))")
}

/** Roles belong to the whole cluster, so another database's migration may be making them at this moment: that is not an error. */
const prepareRoles = async (client: pg.Client, login: string): Promise<void> => {
  for (const role of roles) {
    await client.query(`do $$ begin
      if not exists (select from pg_roles where rolname = '${role}') then create role ${role} nologin; end if;
    exception when duplicate_object or unique_violation then null; end $$`)
  }
  const grantees = new Set([
    decodeURIComponent(login),
    (await client.query<{ name: string }>('select current_user as name')).rows[0]?.name ?? '',
  ])
  for (const grantee of grantees) {
    if (grantee === '') continue
    const name = client.escapeIdentifier(grantee)
    const granted = grantee === decodeURIComponent(login) ? 'longhaul_app, longhaul_system, longhaul_queue' : roles.join(', ')
    await retryTupleUpdated(() => client.query(`grant ${granted} to ${name} with inherit false, set true`))
  }
  const current = client.escapeIdentifier((await client.query<{ name: string }>('select current_user as name')).rows[0]?.name ?? '')
  await retryTupleUpdated(() => client.query(`grant longhaul_owner to ${current} with inherit false, set true`))
  await client.query('grant usage, create on schema public to longhaul_owner')
  await client.query('revoke create on schema public from public')
  await client.query('create schema if not exists longhaul_queue')
  await client.query('grant all on schema longhaul_queue to longhaul_queue')
  // BullMQ migrates its schema by itself, and asks for it with CREATE SCHEMA IF NOT EXISTS, which needs this even where it exists.
  const { rows } = await client.query<{ name: string }>('select current_database() as name')
  await client.query(`grant create on database ${client.escapeIdentifier(rows[0]?.name ?? '')} to longhaul_queue`)
}

/** Two sessions that grant the same role at once: one gets "tuple concurrently updated". */
const retryTupleUpdated = async (attempt: () => Promise<unknown>): Promise<void> => {
  for (let tries = 1; ; tries++) {
    try {
      await attempt()
      return
    } catch (error) {
      if (tries >= 10 || !(error instanceof Error) || !/concurrently updated|already exists/.test(error.message)) throw error
    }
  }
}

const applyMigrations = async (migrateUrl: string): Promise<string[]> => {
  const migrationsList = await readMigrations()
  const { engine, onError } = await openSchemaEngine(migrateUrl)
  try {
    const diagnosis = await engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: false, filters: noFilter })
    for (const migrationName of diagnosis.failedMigrationNames) await engine.markMigrationRolledBack({ migrationName })
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: noFilter })
    return appliedMigrationNames
  } catch (cause) {
    throw new Error(`a migration failed: ${onError() ?? (cause instanceof Error ? cause.message : String(cause))}`, { cause })
  } finally {
    engine.free()
  }
}

/**
 * Functions are replaced as a whole whenever a file under sql/ changed: a function's history is the repository's, and a migration
 * that changes one line of a 100-line function would hide that line.
 */
const applyFunctions = async (client: pg.Client): Promise<void> => {
  const folder = path.join(import.meta.dirname, '..', 'sql')
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  const scripts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')))
  const digest = createHash('sha256').update(scripts.join('\n')).digest('hex')
  await client.query('begin')
  try {
    await client.query('set local role longhaul_owner')
    const known = await client.query<{ value: string }>("select value from installation where key = 'functions'")
    if (known.rows[0]?.value !== digest) {
      await client.query('set local check_function_bodies = off')
      for (const [index, script] of scripts.entries()) {
        await client.query(script).catch((cause: Error) => {
          throw new Error(`prisma/sql/${names[index]}: ${cause.message}`, { cause })
        })
      }
      await client.query(
        "insert into installation (key, value) values ('functions', $1) on conflict (key) do update set value = excluded.value",
        [digest],
      )
    }
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
