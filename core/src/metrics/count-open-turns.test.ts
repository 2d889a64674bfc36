import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { createLogger } from '../logger.ts'
import { startLease } from '../turns/leases.ts'
import { countOpenTurns } from './count-open-turns.ts'
import { registry } from './instruments.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test('open turns, live workers and money are what the database says, under no label that names a tenant', async () => {
  const { db, superuser } = database
  const seed = await seedTenant(db)
  const late = await seedSession(silentParts(db), seed)
  const waiting = await seedSession(silentParts(db), seed)
  await superuser.query("update turn set due_at = clock_timestamp() - interval '90 seconds' where session_id = $1", [late])
  await superuser.query("update turn set state = 'waiting', wait_reason = 'budget' where session_id = $1", [waiting])
  await superuser.query(
    `insert into spend (scope, scope_id, tenant_id, day, day_spent, month, total_reserved)
     values ('TENANT', $1, $1, (clock_timestamp() at time zone 'UTC')::date, 1500000000, now(), 250000000)
     on conflict (scope, scope_id) do update set day = excluded.day, day_spent = excluded.day_spent, total_reserved = excluded.total_reserved`,
    [seed.tenantId],
  )
  const lease = { engineId: null, host: 'h', pid: 1, leaseMs: 60_000 }
  await startLease(db, { ...lease, workerId: 'wrk_metrics', kind: 'worker' })
  await startLease(db, { ...lease, workerId: 'wrk_suspects', kind: 'suspect' })

  countOpenTurns(db, createLogger({ name: 'metrics', level: 'silent' }))
  const text = await registry.metrics()
  expect(text).toContain('longhaul_turns_open{state="due",reason=""} 1\n')
  expect(text).toContain('longhaul_turns_open{state="waiting",reason="budget"} 1\n')
  expect(Number(/^longhaul_turns_late_seconds (.+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(90)
  expect(text).toContain('longhaul_workers_alive 1\n')
  expect(text).toContain('longhaul_spent_today_dollars 1.5\n')
  expect(text).toContain('longhaul_reserved_dollars 0.25\n')
  expect(text).not.toContain(seed.tenantId)

  await superuser.query("update turn set state = 'waiting', wait_reason = 'budget' where session_id = $1", [late])
  expect(await registry.metrics(), 'a second scrape asks nothing').toContain('longhaul_turns_open{state="due",reason=""} 1\n')
})
