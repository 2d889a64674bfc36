import { askBuild } from '@longhaul/core/src/environments/ask-build.ts'
import { takeBuild } from '@longhaul/core/src/environments/take-build.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { startLease } from '@longhaul/core/src/turns/leases.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type LostAnswer, loseAnswer } from '@longhaul/core/testing/lose-answer.ts'
import { seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BuildingParts, buildSetUp } from './build-set-up.ts'
import { startServingBuilds } from './serve-builds.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test?.close())

/** A build that is asked for, of whose set-up an image is there already. */
const ask = async (lost: LostAnswer) => {
  await test.superuser.query('delete from lease')
  await startLease(test.db, { workerId: 'wrk_1', engineId: 'eng', kind: 'worker', host: 'here', pid: 1, leaseMs: 60_000 })
  const { tenantId } = await seedTenant(test.db, { setupScript: 'true' })
  const { rows } = await test.superuser.query<{ id: string }>('select id from environment_version where tenant_id = $1', [tenantId])
  const { id } = await askBuild(test.db, { tenantId, environmentVersionId: rows[0]?.id ?? '', engineId: 'eng', not: null })
  const setUps = { resolve: async () => 'sha256:base', keyOf: () => 'key', find: async () => 'sha256:made' }
  const parts = {
    ...silentParts(test.db),
    db: loseAnswer(test.db, lost),
    logger: createLogger({ name: 'test', level: 'silent' }),
    atPoint: async () => {},
    defaultImage: 'default',
    sandboxes: { provider: { setUps } },
  } as unknown as BuildingParts
  const read = async () => (await test.superuser.query('select state, image_id from environment_build where id = $1', [id])).rows[0]
  return { tenantId, id, parts, read }
}
const limits = { timeoutMs: 1_000, maxMb: 1 }

it('a build that came to its end while the database was away for a moment is not under way for ever', async () => {
  const { tenantId, id, parts, read } = await ask({ of: 'finish_build', committed: false })
  const taken = await takeBuild(test.db, { tenantId, id, workerId: 'wrk_1' })
  if (taken === null) throw new Error('nobody else has it')
  await buildSetUp(parts, { taken, workerId: 'wrk_1', limits, stopping: new AbortController().signal }).catch(() => {}) // as its caller does
  expect(await read()).toEqual({ state: 'built', image_id: 'sha256:made' })
})

it('nor is one whose builder never heard that it has it', async () => {
  const { parts, read } = await ask({ of: 'take_build', committed: true })
  const serving = startServingBuilds(parts, { engineId: 'eng', workerId: () => 'wrk_1', everyMs: 20, limits })
  await expect.poll(read, { timeout: 5_000 }).toEqual({ state: 'built', image_id: 'sha256:made' })
  await serving.stop(1_000)
})
