import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { createAgent } from '../agents/create-agent.ts'
import { answerOnce, forgetOldKeys, type OnceKey, OPERATOR_SCOPE } from './answer-once.ts'
import { createTenant } from './create-tenant.ts'

let database: TestDatabase
let tenantId: string
beforeAll(async () => {
  database = await createTestDatabase()
  tenantId = (
    await createTenant(database.db, { slug: 'first', name: 'T', maxConcurrentSessions: null, checkpointRetention: null }, async () => {})
  ).tenantId
})
afterAll(() => database.close())

const definition = { model: 'claude-sonnet-5-5', judgeModel: null, system: null, tools: [] }
const create = (once: OnceKey) =>
  answerOnce(database.db, once, (keep) => createAgent(database.db, tenantId, { name: 'A', ...definition }, keep))
const once = (key: string | null, input: unknown): OnceKey => ({ scope: tenantId, mutation: 'createAgent', key, input })
const countAgents = async () => Number((await database.superuser.query('select count(*) from agent')).rows[0].count)

test('the same key with the same input gives the first answer, in whatever order its fields come', async () => {
  const first = await create(once('one', { a: 1, b: 2 }))
  const before = await countAgents()
  expect(await create(once('one', { b: 2, a: 1 }))).toEqual({ answer: first.answer, repeated: true })
  expect(await countAgents()).toBe(before)
})

test('the same key with another input is a conflict and changes nothing', async () => {
  await create(once('two', { a: 1 }))
  const before = await countAgents()
  await expect(create(once('two', { a: 2 }))).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(await countAgents()).toBe(before)
})

test('ten calls at once with one key make one agent and get one answer', async () => {
  const before = await countAgents()
  const answers = await Promise.all(Array.from({ length: 10 }, () => create(once('race', {}))))
  expect(new Set(answers.map(({ answer }) => answer.agentId)).size).toBe(1)
  expect(await countAgents()).toBe(before + 1)
})

test('calls without a key are all new', async () => {
  const [first, second] = [await create(once(null, {})), await create(once(null, {}))]
  expect(first.answer).not.toEqual(second.answer)
})

test('a failed mutation leaves its key free', async () => {
  const taken = { slug: 'first', name: 'T', maxConcurrentSessions: null, checkpointRetention: null }
  const key = { scope: OPERATOR_SCOPE, mutation: 'createTenant', key: 'k', input: 1 }
  const run = (slug: string) =>
    answerOnce<{ tenantId: string }>(database.db, key, async (keep) => ({
      tenantId: (await createTenant(database.db, { ...taken, slug }, keep)).tenantId,
    }))
  await expect(run('first')).rejects.toMatchObject({ code: 'CONFLICT' })
  const made = await run('second')
  expect(await run('second')).toEqual({ ...made, repeated: true })
})

test('a key is forgotten after seven days', async () => {
  const first = await create(once('old', {}))
  await database.superuser.query("update idempotency_key set created_at = created_at - interval '8 days' where key = 'old'")
  const second = await create(once('old', {}))
  expect(second).toMatchObject({ repeated: false })
  expect(second.answer).not.toEqual(first.answer)
  await database.superuser.query("update idempotency_key set created_at = created_at - interval '8 days' where key = 'old'")
  await forgetOldKeys(database.db)
  expect((await database.superuser.query("select 1 from idempotency_key where key = 'old'")).rowCount).toBe(0)
})
