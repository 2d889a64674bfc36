import { askBuild } from '@longhaul/core/src/environments/ask-build.ts'
import { takeBuild } from '@longhaul/core/src/environments/take-build.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { startLease } from '@longhaul/core/src/turns/leases.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { loseAnswer } from '@longhaul/core/testing/lose-answer.ts'
import { seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BuildingParts, buildSetUp } from './build-set-up.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test?.close())

it('a build that came to its end while the database was away for a moment is not under way for ever', async () => {
  await startLease(test.db, { workerId: 'wrk_1', engineId: 'eng', kind: 'worker', host: 'here', pid: 1, leaseMs: 60_000 })
  const { tenantId } = await seedTenant(test.db, { setupScript: 'true' })
  const { rows } = await test.superuser.query<{ id: string }>('select id from environment_version where tenant_id = $1', [tenantId])
  const { id } = await askBuild(test.db, { tenantId, environmentVersionId: rows[0]?.id ?? '', engineId: 'eng', not: null })
  const taken = await takeBuild(test.db, { tenantId, id, workerId: 'wrk_1' })
  if (taken === null) throw new Error('nobody else has it')
  const setUps = { resolve: async () => 'sha256:base', keyOf: () => 'key', find: async () => 'sha256:made' }
  const parts = {
    ...silentParts(test.db),
    db: loseAnswer(test.db, { of: 'finish_build', committed: false }),
    logger: createLogger({ name: 'test', level: 'silent' }),
    atPoint: async () => {},
    defaultImage: 'default',
    sandboxes: { provider: { setUps } },
  } as unknown as BuildingParts
  const limits = { timeoutMs: 1_000, maxMb: 1 }
  await buildSetUp(parts, { taken, workerId: 'wrk_1', limits, stopping: new AbortController().signal }).catch(() => {}) // as its caller does
  const { rows: builds } = await test.superuser.query('select state, image_id from environment_build where id = $1', [id])
  expect(builds).toEqual([{ state: 'built', image_id: 'sha256:made' }])
})
