import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OPERATOR_KEY, startTestApi, type TestApi, type TestTenant } from '../../../testing/start-test-api.ts'

let api: TestApi
let tenant: TestTenant
beforeAll(async () => {
  api = await startTestApi()
  tenant = await api.tenant()
})
afterAll(() => api.stop())

const CREATE =
  'mutation ($input: CreateTenantInput!) { createTenant(input: $input) { tenant { id slug name status maxConcurrentSessions } adminKey } }'

test('an operator makes a tenant, whose key is shown once', async () => {
  const input = { slug: 'acme', name: 'Acme', maxConcurrentSessions: 7, idempotencyKey: 'k' }
  const first = await api.get<{ createTenant: { tenant: { id: string }; adminKey: string } }>(OPERATOR_KEY, CREATE, { input })
  expect(first.createTenant).toMatchObject({
    tenant: { slug: 'acme', name: 'Acme', status: 'ACTIVE', maxConcurrentSessions: 7 },
    adminKey: expect.stringMatching(/^lh_/),
  })
  expect(await api.get(OPERATOR_KEY, CREATE, { input })).toEqual({ createTenant: { ...first.createTenant, adminKey: null } })
  expect(await api.get(first.createTenant.adminKey, '{ viewer { role tenant { slug } } }')).toEqual({
    viewer: { role: 'ADMIN', tenant: { slug: 'acme' } },
  })
  const taken = await api.ask(OPERATOR_KEY, CREATE, { input: { slug: 'acme', name: 'B' } })
  expect(taken.errors[0]?.extensions).toEqual({ code: 'CONFLICT', field: 'input.slug', status: 'TAKEN' })
})

test.each([
  [{ slug: 'Acme', name: 'x' }, 'input.slug'],
  [{ slug: '-a', name: 'x' }, 'input.slug'],
  [{ slug: 'a'.repeat(64), name: 'x' }, 'input.slug'],
  [{ slug: 'ok', name: ' ' }, 'input.name'],
  [{ slug: 'ok', name: 'x', maxConcurrentSessions: 0 }, 'input.maxConcurrentSessions'],
  [{ slug: 'ok', name: 'x', checkpointRetention: { allForHours: 0 } }, 'input.checkpointRetention.allForHours'],
  [{ slug: 'ok', name: 'x', checkpointRetention: { hourlyForDays: -1 } }, 'input.checkpointRetention.hourlyForDays'],
  [{ slug: 'ok', name: 'x', checkpointRetention: { dailyForDays: 3_651 } }, 'input.checkpointRetention.dailyForDays'],
])('the tenant %j is refused', async (input, field) => {
  const { errors } = await api.ask(OPERATOR_KEY, CREATE, { input })
  expect(errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field, reason: expect.any(String) })
})

test('an operator finds tenants by id, slug and in pages, newest first; a tenant finds itself', async () => {
  const page = await api.get<{ tenants: { edges: { node: { id: string } }[] } }>(
    OPERATOR_KEY,
    '{ tenants(first: 200) { edges { node { id slug } } } }',
  )
  const ids = page.tenants.edges.map(({ node }) => node.id)
  expect(ids).toEqual(ids.toSorted().reverse())
  expect(ids).toContain(tenant.tenantId)
  const { tenant: own } = await api.get<{ tenant: { id: string; slug: string } }>(
    tenant.adminKey,
    'query ($id: ID) { tenant(id: $id) { id slug } }',
    { id: tenant.tenantId },
  )
  for (const key of [OPERATOR_KEY, tenant.adminKey])
    expect(await api.get(key, 'query ($slug: String) { tenant(slug: $slug) { id } }', { slug: own.slug })).toEqual({
      tenant: { id: own.id },
    })
  expect((await api.ask(tenant.adminKey, '{ tenants { edges { cursor } } }')).errors[0]?.extensions).toEqual({ code: 'FORBIDDEN' })
  expect((await api.ask(tenant.adminKey, '{ tenant { id } }')).errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' })
})

test('checkpoints are kept as the operator says: what is left out stays, and null is for good', async () => {
  const RETENTION = 'tenant { id checkpointRetention { allForHours hourlyForDays dailyForDays } }'
  const create = async (slug: string, checkpointRetention?: unknown) =>
    api.get<{ createTenant: { tenant: { id: string; checkpointRetention: unknown } } }>(
      OPERATOR_KEY,
      `mutation ($input: CreateTenantInput!) { createTenant(input: $input) { ${RETENTION} } }`,
      { input: { slug, name: 'x', checkpointRetention } },
    )
  expect((await create('plain')).createTenant.tenant.checkpointRetention).toEqual({ allForHours: 1, hourlyForDays: 1, dailyForDays: null })
  const { id, checkpointRetention } = (await create('short', { allForHours: 2, dailyForDays: 30 })).createTenant.tenant
  expect(checkpointRetention).toEqual({ allForHours: 2, hourlyForDays: 1, dailyForDays: 30 })
  const update = async (input: object) => {
    const mutation = `mutation ($input: UpdateTenantInput!) { updateTenant(input: $input) { ${RETENTION} } }`
    const { updateTenant } = await api.get<{ updateTenant: { tenant: { checkpointRetention: unknown } } }>(OPERATOR_KEY, mutation, {
      input: { id, ...input },
    })
    return updateTenant.tenant.checkpointRetention
  }
  expect(await update({ name: 'y' })).toEqual(checkpointRetention)
  expect(await update({ checkpointRetention: { hourlyForDays: 0 } })).toEqual({ allForHours: 2, hourlyForDays: 0, dailyForDays: 30 })
  expect(await update({ checkpointRetention: { dailyForDays: null } })).toEqual({ allForHours: 2, hourlyForDays: 0, dailyForDays: null })
})

test('a suspended tenant reads, and starts nothing', async () => {
  const other = await api.tenant()
  const update = 'mutation ($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { status name maxConcurrentSessions } } }'
  expect(await api.get(OPERATOR_KEY, update, { input: { id: other.tenantId, status: 'SUSPENDED', name: 'New' } })).toEqual({
    updateTenant: { tenant: { status: 'SUSPENDED', name: 'New', maxConcurrentSessions: 100 } },
  })
  const { errors } = await api.ask(
    other.adminKey,
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    {
      input: { agentId: other.agentId, environmentId: other.environmentId, prompt: 'p' },
    },
  )
  expect(errors[0]?.extensions['code']).toBe('FORBIDDEN')
  expect(await api.get(other.adminKey, '{ viewer { tenant { status } } }')).toEqual({ viewer: { tenant: { status: 'SUSPENDED' } } })
})

describe('keys', () => {
  const CREATE_KEY =
    'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id name role prefix expiresAt revokedAt } secret } }'
  type Made = { createApiKey: { apiKey: { id: string; prefix: string }; secret: string } }

  test('a key works with its role until it is revoked', async () => {
    const made = await api.get<Made>(tenant.adminKey, CREATE_KEY, {
      input: { name: 'ci', role: 'VIEWER', expiresAt: '2100-01-01T00:00:00+02:00' },
    })
    expect(made.createApiKey).toMatchObject({
      apiKey: { name: 'ci', role: 'VIEWER', expiresAt: '2099-12-31T22:00:00.000Z', revokedAt: null },
    })
    const { secret, apiKey } = made.createApiKey
    expect(secret.startsWith(apiKey.prefix)).toBe(true)
    expect(await api.get(secret, '{ viewer { role } }')).toEqual({ viewer: { role: 'VIEWER' } })
    const revoked = await api.get<{ revokeApiKey: { apiKey: { revokedAt: string } } }>(
      tenant.adminKey,
      'mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { apiKey { revokedAt } } }',
      { id: apiKey.id },
    )
    expect(revoked.revokeApiKey.apiKey.revokedAt).toMatch(/^20/)
    expect((await api.ask(secret, '{ viewer { role } }')).status).toBe(401)
  })

  test('a secret is shown once and stored nowhere', async () => {
    const input = { name: 'once', role: 'MEMBER', idempotencyKey: 'k' }
    const first = await api.get<Made>(tenant.adminKey, CREATE_KEY, { input })
    expect(await api.get(tenant.adminKey, CREATE_KEY, { input })).toEqual({ createApiKey: { ...first.createApiKey, secret: null } })
    for (const table of ['api_key', 'idempotency_key']) {
      const { rows } = await api.database.superuser.query(`select to_jsonb(x)::text as text from ${table} x`)
      expect(rows.some(({ text }) => text.includes(first.createApiKey.secret.slice(14, 40)))).toBe(false)
    }
  })

  test('nobody makes an operator, or a key that has expired already', async () => {
    for (const key of [tenant.adminKey, OPERATOR_KEY]) {
      const { errors } = await api.ask(key, CREATE_KEY, { input: { tenantId: tenant.tenantId, name: 'x', role: 'OPERATOR' } })
      expect(errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.role' })
    }
    const past = await api.ask(tenant.adminKey, CREATE_KEY, { input: { name: 'x', role: 'VIEWER', expiresAt: '2020-01-01T00:00:00Z' } })
    expect(past.errors[0]?.extensions).toMatchObject({ field: 'input.expiresAt', reason: 'in the future' })
    for (const expiresAt of ['tomorrow', '2030-01-01', 5]) {
      expect(
        (await api.ask(tenant.adminKey, CREATE_KEY, { input: { name: 'x', role: 'VIEWER', expiresAt } })).errors[0]?.extensions,
      ).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.expiresAt' })
    }
  })

  test('an operator makes keys for a tenant that it names', async () => {
    const { createApiKey } = await api.get<Made>(OPERATOR_KEY, CREATE_KEY, {
      input: { tenantId: tenant.tenantId, name: 'rescue', role: 'ADMIN' },
    })
    expect(await api.get(createApiKey.secret, '{ viewer { tenant { id } } }')).toEqual({ viewer: { tenant: { id: tenant.tenantId } } })
    expect((await api.ask(OPERATOR_KEY, CREATE_KEY, { input: { name: 'x', role: 'ADMIN' } })).errors[0]?.extensions).toMatchObject({
      field: 'tenantId',
    })
    expect(
      (await api.ask(OPERATOR_KEY, CREATE_KEY, { input: { tenantId: 'tnt_00000000000000000000000000', name: 'x', role: 'ADMIN' } }))
        .errors[0]?.extensions,
    ).toEqual({ code: 'NOT_FOUND' })
  })

  test('keys are listed without their hashes', async () => {
    const { tenant: own } = await api.get<{ tenant: { apiKeys: { edges: unknown[] } } }>(
      tenant.adminKey,
      'query ($id: ID) { tenant(id: $id) { apiKeys { edges { node { id name prefix lastUsedAt } } } } }',
      { id: tenant.tenantId },
    )
    expect(own.apiKeys.edges.length).toBeGreaterThan(1)
    expect(
      (
        await api.ask(tenant.adminKey, 'query ($id: ID) { tenant(id: $id) { apiKeys { edges { node { hash } } } } }', {
          id: tenant.tenantId,
        })
      ).errors[0]?.extensions,
    ).toMatchObject({ code: 'BAD_USER_INPUT' })
  })
})

describe('usage', () => {
  test('the ledger is summed by day, model and session', async () => {
    const made = await api.get<{ createSession: { session: { id: string } } }>(
      tenant.adminKey,
      'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
      {
        input: { agentId: tenant.agentId, environmentId: tenant.environmentId, prompt: 'p' },
      },
    )
    const sessionId = made.createSession.session.id
    for (const [id, day, cost] of [
      ['rsv_a', '2026-03-01', 1_500_000_000],
      ['rsv_b', '2026-03-01', 1],
      ['rsv_c', '2026-03-02', 2_000_000],
    ] as const) {
      await api.database.superuser.query(
        "insert into charge (reservation_id, tenant_id, session_id, agent_id, kind, model, cost_nanos, input_tokens, output_tokens, basis, reserved_at) values ($1, $2, $3, $4, 'work', 'claude-sonnet-5-5', $5, 10, 5, 'exact', $6)",
        [id, tenant.tenantId, sessionId, tenant.agentId, cost, `${day}T12:00:00Z`],
      )
    }
    const ask = (group: string, from = '2026-03-01T00:00:00Z', to = '2026-04-01T00:00:00Z') =>
      api.ask(
        tenant.adminKey,
        `query ($id: ID, $from: DateTime!, $to: DateTime!) { tenant(id: $id) { usage(from: $from, to: $to, groupBy: ${group}) { key costUsd inputTokens outputTokens } } }`,
        { id: tenant.tenantId, from, to },
      )
    expect((await ask('DAY')).data).toEqual({
      tenant: {
        usage: [
          { key: '2026-03-01', costUsd: '1.500001', inputTokens: 20, outputTokens: 10 },
          { key: '2026-03-02', costUsd: '0.002', inputTokens: 10, outputTokens: 5 },
        ],
      },
    })
    expect((await ask('HOUR', '2026-03-02T00:00:00Z')).data).toMatchObject({ tenant: { usage: [{ key: '2026-03-02T12:00:00Z' }] } })
    for (const [group, key] of [
      ['MODEL', 'claude-sonnet-5-5'],
      ['KIND', 'work'],
      ['SESSION', sessionId],
      ['AGENT', tenant.agentId],
    ] as const) {
      expect((await ask(group)).data).toEqual({ tenant: { usage: [{ key, costUsd: '1.502001', inputTokens: 30, outputTokens: 15 }] } })
    }
    expect((await ask('DAY', '2026-04-01T00:00:00Z', '2026-03-01T00:00:00Z')).errors[0]?.extensions).toMatchObject({ field: 'to' })
    expect(
      (await api.get(tenant.adminKey, 'query ($id: ID!) { session(id: $id) { usageBy(groupBy: MODEL) { key costUsd } } }', {
        id: sessionId,
      })) as object,
    ).toEqual({
      session: { usageBy: [{ key: 'claude-sonnet-5-5', costUsd: '1.502001' }] },
    })
  })
})
