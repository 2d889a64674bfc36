import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { type Played, playSession } from '../../testing/play-session.ts'
import { readContext } from './read-events.ts'

let test: TestDatabase
let mine: Played
let theirs: Played
beforeAll(async () => {
  test = await createTestDatabase()
  ;[mine, theirs] = [await playSession(test.db), await playSession(test.db)]
})
afterAll(() => test.close())

const tenantTables = async (): Promise<string[]> => {
  const { rows } = await test.superuser.query<{ name: string }>(
    "select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by 1",
  )
  return rows.map(({ name }) => name)
}

const asTenant = async <T>(
  tenantId: string,
  run: (query: (sql: string, values?: unknown[]) => Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>) => Promise<T>,
): Promise<T> => {
  const client = await test.db.app.connect()
  try {
    await client.query('begin')
    await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
    return await run((sql, values) => client.query(sql, values))
  } finally {
    await client.query('rollback')
    client.release()
  }
}

describe('the database, whatever the code above it does', () => {
  it('shows the application no row of any table while no tenant is set', async () => {
    const tables = await tenantTables()
    expect(tables.length).toBeGreaterThan(15)
    for (const table of [...tables, 'tenant']) {
      const column = table === 'tenant' ? 'id' : 'tenant_id'
      expect([table, (await test.db.app.query(`select ${column} from "${table}"`)).rows]).toEqual([table, []])
    }
    expect((await test.superuser.query('select 1 from event')).rows.length).toBeGreaterThan(10)
  })

  it('shows a tenant its own rows and no others', async () => {
    for (const table of await tenantTables()) {
      const rows = await asTenant(mine.tenantId, async (query) => (await query(`select tenant_id from "${table}"`)).rows)
      expect(rows.every(({ tenant_id }) => tenant_id === mine.tenantId)).toBe(true)
    }
    expect(
      await asTenant(mine.tenantId, async (query) => (await query('select 1 from event where session_id = $1', [theirs.sessionId])).rows),
    ).toEqual([])
    expect(
      await readContext(test.db, { tenantId: mine.tenantId, sessionId: theirs.sessionId, threadId: theirs.threadId, fromSeq: 1 }),
    ).toEqual([])
  })

  it("forgets a call's tenant when the call is over: the next on the same connection sees nothing", async () => {
    for (let time = 0; time < 40; time++) {
      expect(
        (await readContext(test.db, { tenantId: mine.tenantId, sessionId: mine.sessionId, threadId: mine.threadId, fromSeq: 1 })).length,
      ).toBeGreaterThan(5)
      expect((await test.db.app.query('select 1 from event')).rows).toEqual([])
    }
  })

  it('lets nobody write for another tenant', async () => {
    const insert = asTenant(mine.tenantId, (query) =>
      query("insert into unread_message (session_id, seq, tenant_id, thread_id, mode) values ($1, 99, $2, $3, 'queue')", [
        theirs.sessionId,
        theirs.tenantId,
        theirs.threadId,
      ]),
    )
    await expect(insert).rejects.toThrow(/row-level security/)
    // Under its own name it can't point at another's session either.
    const borrowed = asTenant(mine.tenantId, (query) =>
      query("insert into unread_message (session_id, seq, tenant_id, thread_id, mode) values ($1, 99, $2, $3, 'queue')", [
        theirs.sessionId,
        mine.tenantId,
        theirs.threadId,
      ]),
    )
    await expect(borrowed).rejects.toThrow(/foreign key/)
    expect(
      await asTenant(
        mine.tenantId,
        async (query) => (await query("update session set title = 'x' where id = $1", [theirs.sessionId])).rowCount,
      ),
    ).toBe(0)
  })

  it('lets the application add to the log and read it, and nothing else', async () => {
    for (const sql of [
      'update event set actor = actor',
      'delete from event',
      'truncate event',
      'update charge set cost_nanos = 0 where false; delete from charge',
    ])
      await expect(asTenant(mine.tenantId, (query) => query(sql))).rejects.toThrow(/permission denied/)
  })

  it("keeps from the platform's own role what it has no need to see", async () => {
    for (const sql of [
      'select payload from event',
      'select prompt from session',
      'select title from session',
      'select metadata from session',
      'select content from session_resource',
      'select system from agent_version',
      'select setup_script from environment_version',
      'select spec from condition',
      'select explanation from evaluation',
      'select input_hash from idempotency_key',
      'select cost_nanos from charge',
    ])
      await expect(test.db.system.query(sql), sql).rejects.toThrow(/permission denied/)
    expect((await test.db.system.query('select id, tenant_id, status from session')).rows).toHaveLength(2)
  })

  it('lets a login become its roles, and no role own a table or pass row security', async () => {
    const { rows } = await test.superuser.query(
      "select rolname, rolsuper, rolbypassrls, rolcanlogin, (select count(*)::int from pg_class c where c.relowner = r.oid) as owns from pg_roles r where rolname in ('longhaul_app', 'longhaul_system') order by 1",
    )
    const powerless = { rolsuper: false, rolbypassrls: false, rolcanlogin: false, owns: 0 }
    expect(rows).toEqual([
      { rolname: 'longhaul_app', ...powerless },
      { rolname: 'longhaul_system', ...powerless },
    ])
  })
})
