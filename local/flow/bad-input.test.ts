// What bad input gets, through the front door: a closed code, the field, what would be accepted, and nothing changed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Platform, startPlatform } from './start-platform.ts'

type Tenant = { id: string; key: string; agentId: string; environmentId: string }

let platform: Platform
let ours: Tenant
let theirs: Tenant
let theirSession: string

const CREATE_SESSION = 'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id status } } }'

beforeAll(async () => {
  platform = await startPlatform()
  ours = await createTenant('ours')
  theirs = await createTenant('theirs')
  const made = await createSession(theirs)
  theirSession = made.data?.createSession.session.id ?? ''
}, 60_000)
afterAll(() => platform?.stop())

const createTenant = async (slug: string): Promise<Tenant> => {
  const { createTenant: made } = await platform.get<{ createTenant: { tenant: { id: string }; adminKey: string } }>(
    platform.operatorKey,
    'mutation ($slug: String!) { createTenant(input: {slug: $slug, name: "T"}) { tenant { id } adminKey } }',
    { slug },
  )
  const parts = await platform.get<{ createAgent: { agent: { id: string } }; createEnvironment: { environment: { id: string } } }>(
    made.adminKey,
    'mutation { createAgent(input: {name: "A", model: "claude-sonnet-5-5"}) { agent { id } } createEnvironment(input: {name: "E"}) { environment { id } } }',
  )
  return {
    id: made.tenant.id,
    key: made.adminKey,
    agentId: parts.createAgent.agent.id,
    environmentId: parts.createEnvironment.environment.id,
  }
}

const createSession = ({ key, agentId, environmentId }: Tenant, more: Record<string, unknown> = {}) =>
  platform.ask<{ createSession: { session: { id: string; status: string } } }>(key, CREATE_SESSION, {
    input: { agentId, environmentId, prompt: 'Work.', ...more },
  })

const refusal = ({ data, errors }: Answer<unknown>): Record<string, unknown> => {
  expect(data === null || Object.values(data as Record<string, unknown>).every((field) => field === null)).toBe(true)
  expect(errors).toHaveLength(1)
  return errors[0]?.extensions ?? {}
}
const countSessions = async (): Promise<number> => {
  const { rows } = await platform.scene.test.superuser.query('select count(*)::int as n from session where tenant_id = $1', [ours.id])
  return rows[0].n
}

describe('who asks', () => {
  it.each([null, '', 'nonsense', 'lh_0000000000000000000000000000000000000000'])(
    'a wrong key (%s) gets UNAUTHENTICATED and no reason',
    async (key) => {
      const answers = [await platform.ask(key, '{ viewer { role } }'), await platform.ask('another wrong key', '{ viewer { role } }')]
      for (const answer of answers) expect(refusal(answer)).toEqual({ code: 'UNAUTHENTICATED' })
      expect(answers[0]?.errors[0]?.message).toBe(answers[1]?.errors[0]?.message)
    },
  )

  it("another tenant's id is not found, as one that never was", async () => {
    const query = 'query ($id: ID!) { session(id: $id) { id } }'
    const foreign = await platform.ask(ours.key, query, { id: theirSession })
    const unknown = await platform.ask(ours.key, query, { id: theirSession.replace(/.{6}$/, '000000') })
    expect(refusal(foreign)).toMatchObject({ code: 'NOT_FOUND' })
    expect(refusal(unknown)).toEqual(refusal(foreign))
    const sent = 'mutation ($id: ID!) { sendMessage(input: {sessionId: $id, text: "hello"}) { event { seq } } }'
    expect(refusal(await platform.ask(ours.key, sent, { id: theirSession }))).toMatchObject({ code: 'NOT_FOUND' })
    expect(refusal(await createSession({ ...ours, agentId: theirs.agentId }))).toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('a wrong argument', () => {
  const condition = (spec: unknown) => ({ doneConditions: [{ name: 'c', spec }] })
  it.each<[string, Record<string, unknown>, string]>([
    ['negative money', { budgetUsd: '-1' }, 'input.budgetUsd'],
    ['money that is no number', { budgetUsd: 'NaN' }, 'input.budgetUsd'],
    ['money with too many places', { budgetUsd: '0.0000001' }, 'input.budgetUsd'],
    ['a prompt over the limit', { prompt: 'x'.repeat(200_001) }, 'input.prompt'],
    ['an empty prompt', { prompt: ' ' }, 'input.prompt'],
    ['a pattern that does not parse', condition({ file: { path: 'a', matches: '(' } }), 'input.doneConditions.0.spec.file.matches'],
    [
      'a schema that does not parse',
      condition({ file: { path: 'a', jsonSchema: { type: 'nothing' } } }),
      'input.doneConditions.0.spec.file.jsonSchema.type',
    ],
    [
      'a time that is none',
      condition({ command: { run: 'true', timeoutSeconds: 0 } }),
      'input.doneConditions.0.spec.command.timeoutSeconds',
    ],
    ['a path that leads out', condition({ unchanged: { paths: ['../etc/passwd'] } }), 'input.doneConditions.0.spec.unchanged.paths.0'],
    ['a git address that is none', { resources: [{ git: { path: '.', url: 'git@example.com:a/b.git' } }] }, 'input.resources.0.git.url'],
    ['a git address without TLS', { resources: [{ git: { path: '.', url: 'http://example.com/b.git' } }] }, 'input.resources.0.git.url'],
    [
      'a git address inside the network',
      { resources: [{ git: { path: '.', url: 'https://127.0.0.1/b.git' } }] },
      'input.resources.0.git.url',
    ],
    ['a file that leads out', { resources: [{ file: { path: '../a', text: '' } }] }, 'input.resources.0.file.path'],
    ['no rounds at all', { maxEvaluations: 0 }, 'input.maxEvaluations'],
  ])('%s: the field is named, and what would be accepted', async (_what, more, field) => {
    const before = await countSessions()
    const extensions = refusal(await createSession(ours, more))
    expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', field, reason: expect.stringMatching(/.{5}/) })
    expect(await countSessions()).toBe(before)
  })

  it('an unknown model is refused with those that are known', async () => {
    const create = 'mutation ($model: String!) { createAgent(input: {name: "B", model: $model}) { agent { id } } }'
    expect(refusal(await platform.ask(ours.key, create, { model: 'gpt-zero' }))).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'input.model',
      reason: expect.stringContaining('claude-sonnet-5-5'),
    })
  })

  it('a model without a price is refused under a budget, when the session is created', async () => {
    const { createAgent } = await platform.get<{ createAgent: { agent: { id: string } } }>(
      ours.key,
      'mutation { createAgent(input: {name: "Unpriced", model: "claude-unheard-of-9"}) { agent { id } } }',
    )
    const unpriced = { ...ours, agentId: createAgent.agent.id }
    expect(refusal(await createSession(unpriced, { budgetUsd: '1' }))).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: expect.stringContaining('agentId'),
    })
    expect((await createSession(unpriced)).data?.createSession.session.status).toBe('QUEUED')
  })

  it("over a tenant's backlog limit, new work is asked to come later", async () => {
    await platform.scene.test.superuser.query('update tenant set backlog_limit = 1, max_concurrent_sessions = 1 where id = $1', [ours.id])
    const answers = [await createSession(ours), await createSession(ours), await createSession(ours), await createSession(ours)]
    const refused = answers.find(({ errors }) => errors.length > 0)
    expect(refused && refusal(refused)).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) })
  })
})

describe('a wrong setting', () => {
  it.each([
    ['api/src/main.ts', 'PORT', 'eighty'],
    ['api/src/main.ts', 'DATABASE_URL', 'mysql://localhost/x'],
    ['worker/src/main.ts', 'WORKER_CONCURRENCY', '-1'],
    ['worker/src/main.ts', 'DATABASE_URL', ''],
  ])('of %s ends it with exit code 1 and a sentence that names %s', async (script, name, value) => {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, '../..', script)], {
      env: { PATH: process.env['PATH'], DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', [name]: value },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const said = text(child.stderr)
    const [code] = await once(child, 'exit')
    expect(code).toBe(1)
    expect(await said).toContain(name)
  })
})
