import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedTenant } from '../../testing/seeds.ts'
import { archiveAgent } from './archive-agent.ts'
import { updateAgent } from './update-agent.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

const versions = async (agentId: string) =>
  (await database.superuser.query('select version, model, system from agent_version where agent_id = $1 order by version', [agentId])).rows

test('an update makes a version, keeps what is left out, and leaves the old one as it was', async () => {
  const { tenantId, agentId } = await seedTenant(database.db, { system: 'Be brief.' })
  await updateAgent(database.db, tenantId, { id: agentId, expectedVersion: 1, model: 'claude-haiku-5-5' })
  await updateAgent(database.db, tenantId, { id: agentId, expectedVersion: null, system: null })
  expect(await versions(agentId)).toEqual([
    { version: 1, model: 'claude-sonnet-5-5', system: 'Be brief.' },
    { version: 2, model: 'claude-haiku-5-5', system: 'Be brief.' },
    { version: 3, model: 'claude-haiku-5-5', system: null },
  ])
})

test('of two updates that expect the same version one wins', async () => {
  const { tenantId, agentId } = await seedTenant(database.db)
  const update = () => updateAgent(database.db, tenantId, { id: agentId, expectedVersion: 1, system: 'x' })
  const outcomes = await Promise.allSettled([update(), update(), update()])
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'CONFLICT', extensions: { status: 'VERSION_2' } },
  })
  expect(await versions(agentId)).toHaveLength(2)
})

test("another tenant's agent is not found, and an archived one is not changed", async () => {
  const { tenantId, agentId } = await seedTenant(database.db)
  const other = await seedTenant(database.db)
  await expect(updateAgent(database.db, other.tenantId, { id: agentId, expectedVersion: null })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
  await expect(archiveAgent(database.db, other.tenantId, agentId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await archiveAgent(database.db, tenantId, agentId)
  await expect(updateAgent(database.db, tenantId, { id: agentId, expectedVersion: null })).rejects.toMatchObject({ code: 'CONFLICT' })
})

test.each([
  [{ model: 'gpt' }, 'input.model'],
  [{ judgeModel: 'gpt' }, 'input.judgeModel'],
  [{ system: 'x'.repeat(100_001) }, 'input.system'],
  [{ tools: [{ name: 'rm', permission: 'DENY' as const }] }, 'input.tools.0.name'],
])('a definition that can not work is refused by its field', async (change, field) => {
  const { tenantId, agentId } = await seedTenant(database.db)
  await expect(updateAgent(database.db, tenantId, { id: agentId, expectedVersion: null, ...change })).rejects.toMatchObject({
    code: 'BAD_USER_INPUT',
    extensions: { field },
  })
  expect(await versions(agentId)).toHaveLength(1)
})
