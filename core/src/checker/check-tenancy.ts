import type pg from 'pg'
import type { Violation } from './report.ts'

/** R11: the database itself keeps tenants apart: forced policies on every table that holds a tenant's rows, roles that can't pass them. */
export const checkTenancy = async (client: pg.ClientBase, violations: Violation[]): Promise<void> => {
  for (const { at, what } of [...(await findOpenTables(client)), ...(await findStrongRoles(client)), ...(await findForeignRows(client))])
    violations.push({ rule: 'R11', at, what })
}

type Found = { at: string; what: string }

const findOpenTables = async (client: pg.ClientBase): Promise<Found[]> => {
  const { rows } = await client.query<Found>(`
    select c.relname as at, 'row security is not forced on it' as what from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)
      and (c.relname = 'tenant' or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped))
    union all
    select tablename, 'policy ' || policyname || ' lets the application see rows of every tenant' from pg_policies
    where schemaname = 'public' and roles && array['longhaul_app', 'public']::name[] and coalesce(qual, 'true') !~ 'longhaul.tenant'
    union all
    select 'event', 'the application may ' || privilege || ' it' from unnest(array['UPDATE', 'DELETE', 'TRUNCATE']) privilege
    where has_table_privilege('longhaul_app', 'public.event', privilege) or has_table_privilege('longhaul_system', 'public.event', privilege)`)
  return rows
}

const findStrongRoles = async (client: pg.ClientBase): Promise<Found[]> => {
  const { rows } = await client.query<Found>(`
    select rolname as at, 'this role passes row security' as what from pg_roles
    where rolname in ('longhaul_app', 'longhaul_system', 'longhaul_queue') and (rolsuper or rolbypassrls)
    union all
    select r.rolname, 'this role owns ' || c.relname from pg_class c join pg_roles r on r.oid = c.relowner
    where c.relnamespace = 'public'::regnamespace and r.rolname in ('longhaul_app', 'longhaul_system')`)
  return rows
}

/** With no tenant set the application sees nothing, table by table. */
const findForeignRows = async (client: pg.ClientBase): Promise<Found[]> => {
  const { rows: tables } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and has_table_privilege('longhaul_app', c.oid, 'SELECT') order by 1`,
  )
  await client.query('set local role longhaul_app')
  const found: Found[] = []
  for (const { name } of tables) {
    const { rows } = await client.query<{ seen: boolean }>(`select exists (select from public.${client.escapeIdentifier(name)}) as seen`)
    if (rows[0]?.seen) found.push({ at: name, what: 'its rows are visible with no tenant set' })
  }
  await client.query('set local role longhaul_system')
  return found
}
