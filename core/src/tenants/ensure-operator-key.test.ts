import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedTenant } from '../../testing/seeds.ts'
import { createId } from '../ids.ts'
import { ensureOperatorKey } from './ensure-operator-key.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

it('makes one key, and shows it once', async () => {
  const secrets = await Promise.all([1, 2, 3].map(() => ensureOperatorKey(test.db)))
  expect(secrets.filter((secret) => secret !== null)).toHaveLength(1)
})

it("the platform's own role can make no key of a tenant's", async () => {
  const { tenantId } = await seedTenant(test.db)
  const made = test.db.system
    .query("insert into api_key (id, tenant_id, name, role, prefix, hash) values ($1, $2, 'x', 'ADMIN', 'lh_x', 'x')", [
      createId('key'),
      tenantId,
    ])
    .then(() => 'made', String)
  expect(await made).toContain('row-level security')
})
