import type pg from 'pg'

/** One statement, asked as each tenant in turn; the rows of all together. */
export const readAsTenants = async <Row extends pg.QueryResultRow>(
  client: pg.ClientBase,
  tenantIds: readonly string[],
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> => {
  await client.query('set local role longhaul_app')
  const all: Row[] = []
  for (const tenantId of tenantIds) {
    await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
    all.push(...(await client.query<Row>(sql, values)).rows)
  }
  return all
}
