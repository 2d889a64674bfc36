import { createHash } from 'node:crypto'
import type pg from 'pg'

/** Columns that time alone changes: who keeps a lease alive, when a key was last used. */
const RESTLESS = new Set(['last_used_at'])

/**
 * A digest of every row of a tenant, taken before a fault of another and compared after it (R11). `client` is in a role that sees the
 * tenant's rows: the application's, with its tenant set, or a superuser.
 */
export const fingerprintTenant = async (client: pg.ClientBase | pg.Pool, tenantId: string): Promise<string> => {
  const { rows: tables } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and has_table_privilege(c.oid, 'SELECT') order by 1`,
  )
  const hash = createHash('sha256')
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: Record<string, unknown> }>(
      `select to_jsonb(t) as row from public."${name}" t where tenant_id = $1 order by to_jsonb(t)::text`,
      [tenantId],
    )
    for (const { row } of rows) hash.update(`${name} ${JSON.stringify(Object.entries(row).filter(([column]) => !RESTLESS.has(column)))}\n`)
  }
  return hash.digest('hex')
}
