import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { asTenant } from '../tenants/as-tenant.ts'
import { toSessionRow } from './to-session-row.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

it("a row that SQL gives as JSON is the client's row, column for column", async () => {
  const tenant = await seedTenant(test.db)
  const id = await seedSession(silentParts(test.db), tenant)
  const json = await asTenant(
    test.db,
    tenant.tenantId,
    async (client) => (await client.query('select to_jsonb(s) as row from session s where id = $1', [id])).rows[0].row,
  )
  const [, row] = await test.db.prisma.$transaction([
    test.db.prisma.$executeRaw`select set_config('longhaul.tenant', ${tenant.tenantId}, true)`,
    test.db.prisma.session.findUnique({ where: { id } }),
  ])
  expect(toSessionRow(json)).toEqual(row)
})
