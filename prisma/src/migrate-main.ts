/** `npm run migrate`: reads MIGRATE_DATABASE_URL and DATABASE_URL, migrates, says what it did, ends. */
import { migrate } from './migrate.ts'

const databaseUrl = process.env.DATABASE_URL
if (databaseUrl === undefined || databaseUrl === '') {
  process.stderr.write('DATABASE_URL is not set: expected postgres://user:password@host:port/database\n')
  process.exit(1)
}
try {
  const { applied } = await migrate({ migrateUrl: process.env.MIGRATE_DATABASE_URL ?? databaseUrl, databaseUrl })
  process.stderr.write(applied.length === 0 ? 'the database is up to date\n' : `applied ${applied.join(', ')}\n`)
  process.exit(0)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
