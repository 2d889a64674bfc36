import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../core/testing/database.ts'
import { openSchemaEngine, printSchemaSql, readMigrations } from './schema-engine.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

/** One statement a string, without what only differs in layout. */
const statements = (sql: string): string[] =>
  sql
    .split(/;\s*\n/)
    .map((statement) =>
      statement
        .replaceAll(/^--.*$/gm, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .filter(
      (statement) =>
        statement.startsWith('CREATE TABLE') ||
        statement.startsWith('CREATE INDEX') ||
        statement.startsWith('CREATE UNIQUE') ||
        statement.startsWith('ALTER TABLE'),
    )

describe('the migrations', () => {
  it('make every table, index and foreign key that the models describe', async () => {
    const { engine } = await openSchemaEngine(test.superuserUrl)
    const described = statements(await printSchemaSql(engine))
    const migrations = (await readMigrations()).migrationDirectories.map(({ migrationFile }) =>
      migrationFile.content.tag === 'ok' ? migrationFile.content.value : '',
    )
    const made = new Set(statements(migrations.join(';\n')))
    expect(described.length).toBeGreaterThan(40)
    expect(described.filter((statement) => !made.has(statement))).toEqual([])
  })

  it('force row security on every table of a tenant, and let no role of ours pass it', async () => {
    const { rows } = await test.superuser.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname in ('tenant_id') and not a.attisdropped
       where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and not (c.relrowsecurity and c.relforcerowsecurity)`,
    )
    expect(rows).toEqual([])
    const { rows: roles } = await test.superuser.query(
      "select rolname from pg_roles where rolname like 'longhaul\\_%' and (rolsuper or rolbypassrls)",
    )
    expect(roles).toEqual([])
  })
})
