import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../core/testing/database.ts'
import { withEmptyDatabase } from '../../core/testing/with-empty-database.ts'
import { openSchemaEngine, printSchemaSql } from './schema-engine.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

/** Columns, indexes and foreign keys, one a line, in whatever order they were made. */
const CATALOG = `
  select concat_ws(' ', 'column', table_name, column_name, udt_name, is_nullable, column_default) as line from information_schema.columns where table_schema = 'public'
  union all select concat_ws(' ', 'index', indexdef) from pg_indexes where schemaname = 'public'
  union all select concat_ws(' ', 'key', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint where connamespace = 'public'::regnamespace`

const catalogOf = async (client: Pick<pg.ClientBase, 'query'>): Promise<string[]> =>
  (await client.query<{ line: string }>(CATALOG)).rows.map(({ line }) => line)

/** What an empty database has once it is made from the models alone. */
const catalogOfModels = async (): Promise<string[]> => {
  const { engine } = await openSchemaEngine(test.superuserUrl)
  return withEmptyDatabase(test, async (client) => {
    await client.query(await printSchemaSql(engine))
    return catalogOf(client)
  })
}

describe('the migrations', () => {
  it('make every table, index and foreign key that the models describe', async () => {
    const described = await catalogOfModels()
    const made = new Set(await catalogOf(test.superuser))
    expect(described.length).toBeGreaterThan(200)
    expect(described.filter((line) => !made.has(line))).toEqual([])
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
