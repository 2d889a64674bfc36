import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestApi, type TestApi, type TestTenant } from '../../../testing/start-test-api.ts'

let api: TestApi
let tenant: TestTenant
beforeAll(async () => {
  api = await startTestApi()
})
afterAll(() => api.stop())
beforeEach(async () => {
  tenant = await api.tenant()
})

test('an agent is made, changed and archived; its versions stay', async () => {
  const made = await api.get<{ createAgent: { agent: { id: string } } }>(
    tenant.adminKey,
    'mutation ($input: CreateAgentInput!) { createAgent(input: $input) { agent { id name latest { version model judgeModel system tools { name permission } } } } }',
    {
      input: {
        name: 'Coder',
        model: 'claude-opus-5-5',
        judgeModel: 'claude-haiku-5-5',
        system: 'Be brief.',
        tools: [{ name: 'bash', permission: 'DENY' }],
        idempotencyKey: 'k',
      },
    },
  )
  expect(made.createAgent.agent).toMatchObject({
    name: 'Coder',
    latest: { version: 1, judgeModel: 'claude-haiku-5-5', tools: [{ name: 'bash', permission: 'DENY' }] },
  })
  const { id } = made.createAgent.agent
  const update = (input: object) =>
    api.ask(
      tenant.adminKey,
      'mutation ($input: UpdateAgentInput!) { updateAgent(input: $input) { agent { name latest { version model judgeModel system } } } }',
      { input: { id, ...input } },
    )
  expect((await update({ expectedVersion: 1, name: 'Coder 2', judgeModel: null })).data).toEqual({
    updateAgent: { agent: { name: 'Coder 2', latest: { version: 2, model: 'claude-opus-5-5', judgeModel: null, system: 'Be brief.' } } },
  })
  expect((await update({ expectedVersion: 1 })).errors[0]?.extensions).toEqual({ code: 'CONFLICT', status: 'VERSION_2' })
  const read =
    '{ agents { edges { node { id archivedAt versions(first: 1) { edges { node { version judgeModel agent { id } } } pageInfo { hasNextPage endCursor } } } } } }'
  const { agents } = await api.get<{ agents: { edges: { node: { id: string; versions: { pageInfo: { endCursor: string } } } }[] } }>(
    tenant.adminKey,
    read,
  )
  expect(agents.edges[0]?.node).toMatchObject({
    id,
    archivedAt: null,
    versions: { edges: [{ node: { version: 2, judgeModel: null, agent: { id } } }], pageInfo: { hasNextPage: true } },
  })
  const older = await api.get(
    tenant.adminKey,
    'query ($id: ID!, $after: String) { node(id: $id) { ... on Agent { versions(after: $after) { edges { node { version judgeModel } } } } } }',
    { id, after: agents.edges[0]?.node.versions.pageInfo.endCursor },
  )
  expect(older).toEqual({ node: { versions: { edges: [{ node: { version: 1, judgeModel: 'claude-haiku-5-5' } }] } } })
  expect(
    await api.get(tenant.adminKey, 'mutation ($id: ID!) { archiveAgent(input: {id: $id}) { agent { archivedAt } } }', { id }),
  ).toMatchObject({ archiveAgent: { agent: { archivedAt: expect.any(String) } } })
  expect((await update({ name: 'x' })).errors[0]?.extensions).toEqual({ code: 'CONFLICT', status: 'ARCHIVED' })
  const session = await api.ask(
    tenant.adminKey,
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    { input: { agentId: id, environmentId: tenant.environmentId, prompt: 'p' } },
  )
  expect(session.errors[0]?.extensions).toMatchObject({ code: 'CONFLICT', status: 'ARCHIVED' })
})

test('an environment is made with the defaults that the contract names, and changed', async () => {
  const fields =
    'environment { id name latest { version image cpus memoryMb diskMb network allowedHosts setupScript idleSeconds keepAwakeSeconds environment { id } } }'
  const made = await api.get<{ createEnvironment: { environment: { id: string } } }>(
    tenant.adminKey,
    `mutation { createEnvironment(input: {name: "Small"}) { ${fields} } }`,
  )
  const { id } = made.createEnvironment.environment
  const latest = {
    version: 1,
    image: 'default',
    cpus: 1,
    memoryMb: 1024,
    diskMb: 4096,
    network: 'NONE',
    allowedHosts: [],
    setupScript: null,
    idleSeconds: null,
    keepAwakeSeconds: 0,
    environment: { id },
  }
  expect(made.createEnvironment.environment).toEqual({ id, name: 'Small', latest })
  const updated = await api.get(
    tenant.adminKey,
    `mutation ($id: ID!) { updateEnvironment(input: {id: $id, memoryMb: 2048, setupScript: "apt-get update", idleSeconds: 5, keepAwakeSeconds: 3600}) { ${fields} } }`,
    { id },
  )
  expect(updated).toEqual({
    updateEnvironment: {
      environment: {
        id,
        name: 'Small',
        latest: { ...latest, version: 2, memoryMb: 2048, setupScript: 'apt-get update', idleSeconds: 5, keepAwakeSeconds: 3600 },
      },
    },
  })
  const versions = 'versions(first: 2) { edges { node { version idleSeconds keepAwakeSeconds } } }'
  const listed = await api.get(tenant.adminKey, `query ($id: ID!) { node(id: $id) { ... on Environment { ${versions} } } }`, { id })
  expect(listed).toEqual({
    node: {
      versions: {
        edges: [
          { node: { version: 2, idleSeconds: 5, keepAwakeSeconds: 3600 } },
          { node: { version: 1, idleSeconds: null, keepAwakeSeconds: 0 } },
        ],
      },
    },
  })
})

describe('no query of a list grows with the list', () => {
  test('twenty sessions are read with as many statements as two', async () => {
    const create = 'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }'
    const input = {
      agentId: tenant.agentId,
      environmentId: tenant.environmentId,
      prompt: 'p',
      budgetUsd: '1',
      doneConditions: [{ name: 'c', spec: { command: { run: 'true' } } }],
    }
    for (let i = 0; i < 20; i++) await api.get(tenant.adminKey, create, { input })
    const query = `query ($n: Int) { sessions(first: $n) { edges { node {
      id usage { costUsd } budgets { spentUsd } agent { name latest { version } versions { edges { node { version } } } } agentVersion { agent { id } } environment { latest { version } versions { edges { cursor } } }
      environmentVersion { image } doneConditions { name lastEvaluation { id } } evaluations(first: 3) { edges { node { id } } } threads { id status } events(first: 3) { edges { node { id payload } } } } } } }`
    let statements = 0
    const watched = new WeakSet<object>()
    api.database.db.app.on('acquire', (client) => {
      if (watched.has(client)) return
      watched.add(client)
      const run = client.query.bind(client) as (...args: unknown[]) => unknown
      Object.assign(client, {
        query: (...args: unknown[]) => {
          statements++
          return run(...args)
        },
      })
    })
    const count = async (n: number): Promise<number> => {
      statements = 0
      const { sessions } = await api.get<{ sessions: { edges: unknown[] } }>(tenant.adminKey, query, { n })
      expect(sessions.edges).toHaveLength(n)
      return statements
    }
    await count(1)
    const two = await count(2)
    expect(two).toBeGreaterThan(10)
    expect(await count(20)).toBe(two)
  })
})
