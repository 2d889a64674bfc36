import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedTenant } from '../../testing/seeds.ts'
import { archiveEnvironment } from './archive-environment.ts'
import { createEnvironment } from './create-environment.ts'
import { DEFAULT_ENVIRONMENT } from './environment-definition.ts'
import { updateEnvironment } from './update-environment.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

const versions = async (id: string) =>
  (
    await database.superuser.query(
      'select version, image, memory_mb, setup_script, idle_seconds, keep_awake_seconds from environment_version where environment_id = $1 order by version',
      [id],
    )
  ).rows

test('an update makes a version and keeps what is left out', async () => {
  const { tenantId } = await seedTenant(database.db)
  const { environmentId } = await createEnvironment(
    database.db,
    tenantId,
    { ...DEFAULT_ENVIRONMENT, name: 'E', setupScript: 'make', idleSeconds: 90, keepAwakeSeconds: 600 },
    async () => {},
  )
  await updateEnvironment(database.db, tenantId, { id: environmentId, expectedVersion: 1, memoryMb: 2048 })
  await updateEnvironment(database.db, tenantId, { id: environmentId, expectedVersion: 2, idleSeconds: null, keepAwakeSeconds: 0 })
  const first = { version: 1, image: 'default', memory_mb: 1024, setup_script: 'make', idle_seconds: 90, keep_awake_seconds: 600 }
  expect(await versions(environmentId)).toEqual([
    first,
    { ...first, version: 2, memory_mb: 2048 },
    { ...first, version: 3, memory_mb: 2048, idle_seconds: null, keep_awake_seconds: 0 },
  ])
})

test("an unexpected version is a conflict, an archived one too, another tenant's is not found", async () => {
  const { tenantId, environmentId } = await seedTenant(database.db)
  const other = await seedTenant(database.db)
  await expect(updateEnvironment(database.db, tenantId, { id: environmentId, expectedVersion: 2 })).rejects.toMatchObject({
    code: 'CONFLICT',
  })
  await expect(updateEnvironment(database.db, other.tenantId, { id: environmentId, expectedVersion: 1 })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
  await archiveEnvironment(database.db, tenantId, environmentId)
  await expect(updateEnvironment(database.db, tenantId, { id: environmentId, expectedVersion: 1 })).rejects.toMatchObject({
    code: 'CONFLICT',
  })
})

test.each([
  [{ network: 'OPEN' as const }, 'input.network'],
  [{ allowedHosts: ['example.org'] }, 'input.allowedHosts'],
  [{ image: '-v /:/host' }, 'input.image'],
  [{ image: 'Debian' }, 'input.image'],
  [{ image: 'longhaul-checkpoint:ckp_01' }, 'input.image'],
  [{ image: 'docker.io/library/longhaul-checkpoint:ckp_01' }, 'input.image'],
  [{ image: 'longhaul-setup:abc' }, 'input.image'],
  [{ setupScript: 'true\0' }, 'input.setupScript'],
  [{ setupScript: 'x'.repeat(65_537) }, 'input.setupScript'],
  [{ image: `sha256:${'a'.repeat(64)}` }, 'input.image'],
  [{ image: 'a'.repeat(12) }, 'input.image'],
  [{ cpus: 0 }, 'input.cpus'],
  [{ cpus: Number.NaN }, 'input.cpus'],
  [{ memoryMb: 1 }, 'input.memoryMb'],
  [{ idleSeconds: 0 }, 'input.idleSeconds'],
  [{ idleSeconds: 3_601 }, 'input.idleSeconds'],
  [{ keepAwakeSeconds: -1 }, 'input.keepAwakeSeconds'],
  [{ keepAwakeSeconds: 86_401 }, 'input.keepAwakeSeconds'],
])('%o is refused by its field', async (change, field) => {
  const { tenantId, environmentId } = await seedTenant(database.db)
  await expect(updateEnvironment(database.db, tenantId, { id: environmentId, expectedVersion: null, ...change })).rejects.toMatchObject({
    extensions: { field },
  })
  expect(await versions(environmentId)).toHaveLength(1)
})

test.each(['debian:bookworm-slim', 'registry.example.org:5000/team/image:1.2', `longhaul/sandbox@sha256:${'a'.repeat(64)}`])(
  'the image %s is accepted',
  async (image) => {
    const { tenantId } = await seedTenant(database.db)
    const { environmentId } = await createEnvironment(database.db, tenantId, { ...DEFAULT_ENVIRONMENT, name: 'E', image }, async () => {})
    expect(await versions(environmentId)).toMatchObject([{ image }])
  },
)
