import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test('a creation that the database breaks off to end a deadlock is made again, once', async () => {
  const tenant = await seedTenant(database.db)
  // A sequence is not rolled back: the first insert fails, the second does not.
  await database.superuser.query(`
    create sequence tries; grant usage on sequence tries to public;
    create function fail_first() returns trigger language plpgsql as $$
      begin if nextval('tries') = 1 then raise exception 'deadlock detected' using errcode = '40P01'; end if; return new; end $$;
    create trigger fail_first before insert on claim for each row execute function fail_first()`)
  const sessionId = await seedSession(silentParts(database.db), tenant)
  const { rows } = await database.superuser.query('select id from session where tenant_id = $1', [tenant.tenantId])
  expect(rows).toEqual([{ id: sessionId }])
})
