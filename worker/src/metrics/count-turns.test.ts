import { DEFAULT_WORK_MODEL } from '@longhaul/core/src/budgets/prices.ts'
import { createId } from '@longhaul/core/src/ids.ts'
import { registry } from '@longhaul/core/src/metrics/instruments.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appendCounted, countSpend } from './count-turns.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test('appends are timed, and a turn is settled by one that was not refused', async () => {
  const { db } = database
  const seed = await seedTenant(db)
  const sessionId = await seedSession(silentParts(db), seed)
  const { rows } = await database.superuser.query('select id as "turnId", thread_id as "threadId" from turn where session_id = $1', [
    sessionId,
  ])
  await database.superuser.query("update claim set epoch = 1, worker_id = 'wrk_1', claimed_at = clock_timestamp() where session_id = $1", [
    sessionId,
  ])
  const { turnId, threadId } = rows[0] as { turnId: string; threadId: string }
  const turn = { op: 'settle', turnId, outcome: 'answered', next: { id: createId('trn'), kind: 'work' } } as const
  const of = { tenantId: seed.tenantId, sessionId, threadId, events: [] }
  await appendCounted(db, { ...of, epoch: 99, turn })
  await appendCounted(db, { ...of, epoch: 1 })
  expect(await registry.metrics()).not.toMatch(/^longhaul_turns_settled_total\{/m)
  await appendCounted(db, { ...of, epoch: 1, turn })
  const text = await registry.metrics()
  expect(text).toContain('longhaul_turns_settled_total{outcome="answered"} 1\n')
  expect(text).toContain('longhaul_append_seconds_count 3\n')
})

test('spend is in dollars, and a name that tenants chose is not in it', async () => {
  countSpend({ kind: 'work', model: DEFAULT_WORK_MODEL, costNanos: 1_500_000_000n, basis: 'exact' })
  countSpend({ kind: 'work', model: DEFAULT_WORK_MODEL, costNanos: 250_000_000n, basis: 'exact' })
  countSpend({ kind: 'judge', model: 'the-secret-project', costNanos: 0n, basis: 'estimated' })
  const text = await registry.metrics()
  expect(text).toContain(`longhaul_spend_dollars_total{kind="work",model="${DEFAULT_WORK_MODEL}",basis="exact"} 1.75\n`)
  expect(text).toContain('longhaul_spend_dollars_total{kind="judge",model="unpriced",basis="estimated"} 0\n')
})
