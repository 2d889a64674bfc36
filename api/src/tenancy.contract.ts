import { readFileSync } from 'node:fs'
import path from 'node:path'
import { buildSchema, getNamedType, isNonNullType } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FurnishedTenant, furnishTenant } from '../testing/furnish-tenant.ts'
import { makeInput } from '../testing/make-input.ts'
import { OPERATOR_KEY, startTestApi, type TestApi, type TestTenant } from '../testing/start-test-api.ts'

// Walks the printed schema: whatever takes an id is called by a stranger with a real id of somebody else, and must answer as for an
// id that never was (invariant 11). A field with an id that the walk can't call fails it.
const schema = buildSchema(readFileSync(path.join(import.meta.dirname, '../schema.graphql'), 'utf8'))

/** The walk, with the database's own row security or without it: each of the two defences must hold alone. */
export const describeTenancy = ({ rowSecurity }: { rowSecurity: boolean }): void => {
  let api: TestApi
  let victim: FurnishedTenant
  let stranger: TestTenant
  const strangerKeys: Record<string, string> = {}

  beforeAll(async () => {
    api = await startTestApi()
    victim = await furnishTenant(api, await api.tenant())
    stranger = await api.tenant()
    strangerKeys['ADMIN'] = stranger.adminKey
    if (!rowSecurity) await switchOff(api)
    for (const role of ['MEMBER', 'VIEWER']) strangerKeys[role] = await api.key(stranger, role)
  })
  afterAll(() => api.stop())

  /** Every kind of thing behind `node`, by its type. */
  const nodeIds = (): Record<string, string> => ({
    Tenant: victim.tenantId,
    ApiKey: victim.keyId,
    Agent: victim.agentId,
    AgentVersion: victim.agentVersionId,
    Environment: victim.environmentId,
    EnvironmentVersion: victim.environmentVersionId,
    EnvironmentBuild: victim.buildId,
    Session: victim.sessionId,
    Thread: victim.threadId,
    Event: victim.eventId,
    DoneCondition: victim.conditionId,
    Evaluation: victim.evaluationId,
    Budget: victim.budgetId,
    Checkpoint: victim.checkpointId,
  })

  /** The id that an argument asks for; what is not here the walk does not know, and fails. */
  const ids = (): Record<string, string> => ({
    'Query.node.id': victim.sessionId,
    'Query.tenant.id': victim.tenantId,
    'Query.tenant.slug': victim.slug,
    'Query.agents.tenantId': victim.tenantId,
    'Query.environments.tenantId': victim.tenantId,
    'Query.session.id': victim.sessionId,
    'Query.sessions.tenantId': victim.tenantId,
    'Query.sessions.agentId': victim.agentId,
    'Query.compareSessions.a': victim.sessionId,
    'Query.compareSessions.b': victim.sessionId,
    'UpdateTenantInput.id': victim.tenantId,
    'CreateApiKeyInput.tenantId': victim.tenantId,
    'RevokeApiKeyInput.id': victim.keyId,
    'UpdateAgentInput.id': victim.agentId,
    'Mutation.archiveAgent.id': victim.agentId,
    'UpdateEnvironmentInput.id': victim.environmentId,
    'Mutation.archiveEnvironment.id': victim.environmentId,
    'SetBudgetInput.scopeId': victim.sessionId,
    'Mutation.removeBudget.id': victim.budgetId,
    'CreateSessionInput.agentId': victim.agentId,
    'CreateSessionInput.environmentId': victim.environmentId,
    'UpdateSessionInput.id': victim.sessionId,
    'Mutation.deleteSession.id': victim.sessionId,
    'SendMessageInput.sessionId': victim.sessionId,
    'SessionIdInput.sessionId': victim.sessionId,
    'CancelSessionInput.sessionId': victim.sessionId,
    'AddDoneConditionInput.sessionId': victim.sessionId,
    'CreateCheckpointInput.sessionId': victim.sessionId,
    'ForkSessionInput.checkpointId': victim.checkpointId,
    'ForkInput.agentId': victim.agentId,
    'RewindSessionInput.checkpointId': victim.checkpointId,
    'RewindSessionInput.sessionId': victim.sessionId,
    'WaiveDoneConditionInput.id': victim.conditionId,
  })

  const rowsOfVictim = async (): Promise<string> => {
    const { rows: tables } = await api.database.superuser.query(
      "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'tenant_id' order by 1",
    )
    const parts: string[] = []
    for (const { table_name: table } of tables) {
      const { rows } = await api.database.superuser.query(
        `select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as digest from (select to_jsonb(x) - 'last_used_at' as t from "${table}" x where tenant_id = $1) y`,
        [victim.tenantId],
      )
      parts.push(`${table} ${rows[0].digest}`)
    }
    return parts.join('\n')
  }

  /** With the real ids replaced by ones that never were, the same question must get the same answer. */
  const withUnknownIds = (variables: object): object => {
    const text = JSON.stringify(variables).replace(
      /\b((?:tnt|key|agt|agv|env|evv|bld|ses|thr|cnd|ckp|evl|bgt)_)[0-9a-z]{26}/g,
      (_, prefix: string) => prefix + '0'.repeat(26),
    )
    return JSON.parse(text.replace(victim.slug, 'no-such-tenant'))
  }
  const anonymous = (answer: unknown): string =>
    JSON.stringify(answer)
      .replace(/[a-z]{3}_[0-9a-z]{26}/g, '<id>')
      .replaceAll(victim.slug, '<slug>')
      .replaceAll('no-such-tenant', '<slug>')

  describe("a stranger who names another tenant's ids", () => {
    test.each(Object.keys(schema.getMutationType()?.getFields() ?? {}))(
      '%s answers as for an id that never was, and changes nothing',
      async (name) => {
        const field = schema.getMutationType()?.getFields()[name]
        const input = field?.args[0]
        if (!input) throw new Error(`${name} takes no input`)
        const value = makeInput(ids(), name, input.type)
        if (!/_[0-9a-z]{26}/.test(JSON.stringify(value)))
          return expect(['createTenant', 'createAgent', 'createEnvironment']).toContain(name)
        const payload = getNamedType(field.type)
        const query = `mutation ($input: ${String(input.type)}) { ${name}(input: $input) { __typename } }`
        expect(payload).toBeDefined()
        const before = await rowsOfVictim()
        for (const [role, key] of Object.entries(strangerKeys)) {
          const real = await api.ask(key, query, { input: value })
          const unknown = await api.ask(key, query, withUnknownIds({ input: value }) as Record<string, unknown>)
          expect(anonymous(real), role).toBe(anonymous(unknown))
          expect(real.errors[0]?.extensions['code']).toMatch(/^(NOT_FOUND|FORBIDDEN)$/)
        }
        expect((await api.ask(null, query, { input: value })).errors[0]?.extensions).toEqual({ code: 'UNAUTHENTICATED' })
        expect(await rowsOfVictim()).toBe(before)
      },
    )

    test.each(Object.keys(schema.getQueryType()?.getFields() ?? {}))('Query.%s shows nothing', async (name) => {
      const field = schema.getQueryType()?.getFields()[name]
      const named = field?.args.filter((argument) => getNamedType(argument.type).name === 'ID' || argument.name === 'slug') ?? []
      for (const argument of named) {
        const selectable = Object.keys((getNamedType(field!.type) as { getFields?: () => object }).getFields?.() ?? {})
        const selection = selectable.includes('edges')
          ? '{ edges { node { id } } }'
          : selectable.includes('id')
            ? '{ id }'
            : '{ __typename }'
        const given = named.filter((other) => other === argument || isNonNullType(other.type)).map((other) => `${other.name}: $v`)
        const query = `query ($v: ${getNamedType(argument.type).name}${isNonNullType(argument.type) ? '!' : ''}) { ${name}(${given.join(', ')}) ${selection} }`
        const value = ids()[`Query.${name}.${argument.name}`]
        if (value === undefined) throw new Error(`the walk has no id for Query.${name}.${argument.name}: add one`)
        for (const key of Object.values(strangerKeys)) {
          const real = await api.ask(key, query, { v: value })
          const unknown = await api.ask(key, query, withUnknownIds({ v: value }) as Record<string, unknown>)
          expect(anonymous(real)).toBe(anonymous(unknown))
          expect(JSON.stringify(real.data)).not.toContain('_0')
        }
      }
    })

    test('every type behind node(id) is not found', async () => {
      const types = schema.getPossibleTypes(schema.getType('Node') as never).map(({ name }) => name)
      expect(Object.keys(nodeIds()).sort()).toEqual([...types].sort())
      for (const [type, id] of Object.entries(nodeIds())) {
        for (const key of Object.values(strangerKeys)) {
          const { data, errors } = await api.ask(key, 'query ($id: ID!) { node(id: $id) { id __typename } }', { id })
          expect([type, data, errors[0]?.extensions]).toEqual([type, { node: null }, { code: 'NOT_FOUND' }])
        }
        expect((await api.ask(victim.adminKey, 'query ($id: ID!) { node(id: $id) { id __typename } }', { id })).data).toEqual({
          node: { id, __typename: type },
        })
        expect((await api.ask(OPERATOR_KEY, 'query ($id: ID!) { node(id: $id) { id __typename } }', { id })).data).toEqual({
          node: { id, __typename: type },
        })
      }
    })

    test('files and uploads at their doors over HTTP are not found, and nothing changes', async () => {
      const ask = (key: string, method: string, path: string) => {
        const headers = {
          ...{
            authorization: `Bearer ${key}`,
            'tus-resumable': '1.0.0',
            'upload-length': '3',
            'upload-metadata': 'path eA==',
            'upload-offset': '0',
          },
          ...(method === 'PATCH' ? { 'content-type': 'application/offset+octet-stream' } : {}),
        }
        return fetch(`${api.running.url}${path}`, {
          method,
          headers,
          ...(['PUT', 'PATCH', 'POST'].includes(method) ? { body: 'abc' } : {}),
        })
      }
      const open = await ask(victim.adminKey, 'POST', `/sessions/${victim.sessionId}/uploads`)
      const upload = open.headers.get('location') ?? ''
      expect([open.status, upload]).toEqual([201, expect.stringContaining(victim.sessionId)])
      const files = `/sessions/${victim.sessionId}/files`
      const doors = [
        ...[`${files}/x`, `${files}/?archive=tar`, `${files}/x?checkpoint=${victim.checkpointId}`].map((path) => ['GET', path] as const),
        ...(['PUT', 'HEAD'] as const).map((method) => [method, `${files}/x`] as const),
        ['POST', `/sessions/${victim.sessionId}/uploads`] as const,
        ...(['HEAD', 'PATCH', 'DELETE'] as const).map((method) => [method, upload] as const),
      ]
      const before = await rowsOfVictim()
      for (const [method, path] of doors) {
        for (const [role, key] of Object.entries(strangerKeys)) {
          const real = await ask(key, method, path)
          const unknown = await ask(
            key,
            method,
            path.replace(/([a-z]{3}_)[0-9a-z]{26}/g, (_, prefix: string) => prefix + '0'.repeat(26)),
          )
          expect([real.status, anonymous(await real.text())], `${role} ${method} ${path}`).toEqual([
            unknown.status,
            anonymous(await unknown.text()),
          ])
          expect([403, 404]).toContain(real.status)
        }
      }
      expect(await rowsOfVictim()).toBe(before)
    })

    test("a cursor of another tenant's list opens nothing", async () => {
      const { sessions } = await api.get<{ sessions: { pageInfo: { startCursor: string } } }>(
        victim.adminKey,
        '{ sessions { pageInfo { startCursor } } }',
      )
      const { data } = await api.ask(stranger.adminKey, 'query ($c: String) { sessions(after: $c) { edges { node { id } } } }', {
        c: sessions.pageInfo.startCursor,
      })
      expect(data).toEqual({ sessions: { edges: [] } })
    })
  })

  describe('roles', () => {
    const ROLES: Record<string, string[]> = {
      OPERATOR: ['createTenant', 'updateTenant'],
      ADMIN: [
        'createApiKey',
        'revokeApiKey',
        'createAgent',
        'updateAgent',
        'archiveAgent',
        'createEnvironment',
        'updateEnvironment',
        'archiveEnvironment',
        'setBudget',
        'removeBudget',
        'deleteSession',
        'waiveDoneCondition',
      ],
      MEMBER: [
        'createSession',
        'updateSession',
        'sendMessage',
        'pauseSession',
        'resumeSession',
        'cancelSession',
        'addDoneCondition',
        'evaluateSession',
        'createCheckpoint',
        'forkSession',
        'rewindSession',
      ],
    }

    test('every mutation has its role', () => {
      expect(Object.values(ROLES).flat().sort()).toEqual(Object.keys(schema.getMutationType()?.getFields() ?? {}).sort())
    })

    test.each(Object.entries(ROLES).flatMap(([role, names]) => names.map((name) => [name, role] as const)))(
      '%s needs %s',
      async (name, role) => {
        const input = schema.getMutationType()?.getFields()[name]?.args[0]
        if (!input) throw new Error(`${name} takes no input`)
        const before = await rowsOfVictim()
        const lower = { OPERATOR: ['ADMIN', 'MEMBER', 'VIEWER'], ADMIN: ['MEMBER', 'VIEWER'], MEMBER: ['VIEWER'] }[role] ?? []
        for (const one of lower) {
          const key = one === 'ADMIN' ? victim.adminKey : await api.key(victim, one)
          const keyed = await rowsOfVictim()
          const { errors } = await api.ask(key, `mutation ($input: ${String(input.type)}) { ${name}(input: $input) { __typename } }`, {
            input: makeInput(ids(), name, input.type),
          })
          expect(errors[0]?.extensions).toEqual({ code: 'FORBIDDEN' })
          expect(await rowsOfVictim()).toBe(keyed)
        }
        if (lower.length === 0) expect(await rowsOfVictim()).toBe(before)
      },
    )
  })
}

const switchOff = async (api: TestApi): Promise<void> => {
  const { rows } = await api.database.superuser.query(
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relrowsecurity",
  )
  for (const { name } of rows) await api.database.superuser.query(`alter table "${name}" disable row level security`)
}
