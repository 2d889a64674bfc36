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

const CREATE = 'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id status head } } }'
type Created = { createSession: { session: { id: string; status: string; head: number } } }
const create = async (more: Record<string, unknown> = {}) => {
  const input = { agentId: tenant.agentId, environmentId: tenant.environmentId, prompt: 'Do it.', ...more }
  return (await api.get<Created>(tenant.adminKey, CREATE, { input })).createSession.session
}
const refuse = async (more: Record<string, unknown>) => {
  const input = { agentId: tenant.agentId, environmentId: tenant.environmentId, prompt: 'Do it.', ...more }
  const { errors } = await api.ask(tenant.adminKey, CREATE, { input })
  return errors[0]?.extensions
}

test('a session shows all that it was made of', async () => {
  const { id } = await create({
    title: 'T',
    budgetUsd: '1.50',
    metadata: { a: [1, { b: 'x' }] },
    maxEvaluations: 3,
    doneConditions: [{ name: 'tests', spec: { command: { run: 'npm test' } } }],
    resources: [{ file: { path: '/workspace/a.txt', text: 'hello' } }],
  })
  const query = `query ($id: ID!) { session(id: $id) {
    id title prompt status stopReason activity head headHash metadata maxEvaluations evaluationRounds createdAt updatedAt completedAt
    agent { id name latest { version model tools { name } } } agentVersion { version agent { id } } environment { id latest { image cpus } } environmentVersion { network }
    usage { costUsd reservedUsd inputTokens turns toolCalls activeSeconds sandboxSeconds } usageBy(groupBy: MODEL) { key }
    budgets { scope period setBy limitUsd spentUsd reservedUsd alertPercents resetsAt }
    doneConditions { name kind spec status lastEvaluation { id } } evaluations { edges { node { id } } pageInfo { hasNextPage } }
    sandbox { id } threads { id name status contextTokens costUsd parentId }
    events(first: 10) { edges { cursor node { id seq type actor threadId payload hash costUsd createdAt } } pageInfo { hasNextPage endCursor } }
  } }`
  const { session } = await api.get<{ session: Record<string, unknown> }>(tenant.adminKey, query, { id })
  expect(session).toMatchObject({
    id,
    title: 'T',
    prompt: 'Do it.',
    status: 'QUEUED',
    metadata: { a: [1, { b: 'x' }] },
    maxEvaluations: 3,
    agent: { id: tenant.agentId, latest: { version: 1, model: 'claude-sonnet-5-5' } },
    environmentVersion: { network: 'NONE' },
    usage: { costUsd: '0.00', turns: 0 },
    budgets: [{ scope: 'SESSION', period: 'LIFETIME', setBy: 'TENANT', limitUsd: '1.50', spentUsd: '0.00', resetsAt: null }],
    doneConditions: [{ name: 'tests', kind: 'COMMAND', spec: { run: 'npm test', expectExit: 0 }, status: 'PENDING', lastEvaluation: null }],
    sandbox: null,
    threads: [{ name: 'main', status: 'QUEUED' }],
    events: {
      edges: [
        { node: { seq: 1, type: 'session.created' } },
        { node: { type: 'condition.added' } },
        { node: { type: 'session.status' } },
        { node: { type: 'user.message' } },
      ],
    },
  })
})

describe('bad input changes nothing and says which field', () => {
  test.each([
    [{ prompt: ' ' }, 'input.prompt'],
    [{ prompt: 'x'.repeat(200_001) }, 'input.prompt'],
    [{ prompt: 5 }, 'input.prompt'],
    [{ budgetUsd: '-1' }, 'input.budgetUsd'],
    [{ budgetUsd: 'NaN' }, 'input.budgetUsd'],
    [{ budgetUsd: '99999999999' }, 'input.budgetUsd'],
    [{ maxEvaluations: 0 }, 'input.maxEvaluations'],
    [{ title: 'two\nlines' }, 'input.title'],
    [{ title: 'half \ud800' }, 'input.title'],
    [{ metadata: [1] }, 'input.metadata'],
    [{ metadata: JSON.parse('{"a":{"__proto__":1}}') }, undefined],
    [{ unknown: 1 }, 'input'],
    [{ doneConditions: [{ name: 'x', spec: { command: { run: '' } } }] }, 'input.doneConditions.0.spec.command.run'],
    [{ doneConditions: [{ name: 'x', spec: { command: { run: 'a' }, rubric: { rubric: 'b' } } }] }, 'input.doneConditions.0.spec'],
    [{ doneConditions: [{ name: 'x', spec: { file: { path: 'a', matches: '(' } } }] }, 'input.doneConditions.0.spec.file.matches'],
    [{ doneConditions: [{ name: 'x', spec: { rubric: { rubric: 'r', model: 'gpt' } } }] }, 'input.doneConditions.0.spec.rubric.model'],
    [{ doneConditions: [1, 2].map(() => ({ name: 'x', spec: { unchanged: { paths: ['a'] } } })) }, 'input.doneConditions.1.name'],
    [{ resources: [{ git: { path: 'r', url: 'git@example.org:a/b.git' } }] }, 'input.resources.0.git.url'],
    [{ resources: [{ git: { path: 'r', url: 'https://user:pw@example.org/a' } }] }, 'input.resources.0.git.url'],
    [{ resources: [{ git: { path: 'r', url: 'https://127.0.0.1/a.git' } }] }, 'input.resources.0.git.url'],
    [{ resources: [{ git: { path: 'r', url: 'https://example.org/a', ref: '--upload-pack=x' } }] }, 'input.resources.0.git.ref'],
    [{ resources: [{ file: { path: '/etc/passwd', text: '' } }] }, 'input.resources.0.file.path'],
    [{ resources: [{ file: { path: 'a/../../b', text: '' } }] }, 'input.resources.0.file.path'],
    [{ resources: [{ file: { path: 'a', text: '', base64: '' } }] }, 'input.resources.0.file'],
    [{ resources: [{ file: { path: 'a', base64: '!' } }] }, 'input.resources.0.file.base64'],
    [{ resources: [{ file: { path: 'a', text: '' } }, { file: { path: './a', text: '' } }] }, 'input.resources.1.file.path'],
    [{ idempotencyKey: '' }, 'input.idempotencyKey'],
  ])('case %#', async (more, field) => {
    const extensions = await refuse(more)
    expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', reason: expect.any(String), ...(field === undefined ? {} : { field }) })
    const { rows } = await api.database.superuser.query('select count(*) from session where tenant_id = $1', [tenant.tenantId])
    expect(rows[0].count).toBe('0')
  })

  test("another tenant's agent does not exist", async () => {
    const other = await api.tenant()
    expect(await refuse({ agentId: other.agentId })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await refuse({ environmentId: other.environmentId })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await refuse({ agentId: "'; drop table session" })).toMatchObject({ code: 'NOT_FOUND' })
    expect(await refuse({ agentId: 'agt_\0' })).toMatchObject({ code: 'NOT_FOUND' })
  })
})

const SEND =
  'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { event { id seq type payload } session { id status head } } }'

test('a message is one event, and the same key gives the same event', async () => {
  const { id, head } = await create()
  const input = { sessionId: id, text: 'more \ud800 \0', idempotencyKey: 'k' }
  const first = await api.get(tenant.adminKey, SEND, { input })
  expect(first).toMatchObject({
    sendMessage: {
      event: {
        id: `evt_${id}_${head + 1}`,
        seq: head + 1,
        type: 'user.message',
        payload: { text: 'more \ufffd \ufffd', lossy: true, mode: 'queue' },
      },
      session: { head: head + 1 },
    },
  })
  expect(await api.get(tenant.adminKey, SEND, { input })).toEqual(first)
  const { errors } = await api.ask(tenant.adminKey, SEND, { input: { ...input, text: 'other' } })
  expect(errors[0]?.extensions).toMatchObject({ code: 'CONFLICT' })
})

test('a repeated call is answered even when its session has ended meanwhile', async () => {
  const { id } = await create()
  const input = { sessionId: id, text: 'x', idempotencyKey: 'k' }
  const { sendMessage } = await api.get<{ sendMessage: { event: object } }>(tenant.adminKey, SEND, { input })
  await api.get(tenant.adminKey, 'mutation ($id: ID!) { cancelSession(input: {sessionId: $id}) { session { status } } }', { id })
  const again = await api.get<{ sendMessage: { event: object } }>(tenant.adminKey, SEND, { input })
  expect(again.sendMessage.event).toEqual(sendMessage.event)
  const { errors } = await api.ask(tenant.adminKey, SEND, { input: { sessionId: id, text: 'y' } })
  expect(errors[0]?.extensions).toMatchObject({ code: 'CONFLICT', status: 'CANCELED' })
})

test('a session is paused, resumed, canceled, changed and deleted', async () => {
  const { id } = await create()
  const act = (mutation: string) =>
    api.get<Record<string, { session: { status: string } }>>(
      tenant.adminKey,
      `mutation ($id: ID!) { ${mutation}(input: {sessionId: $id}) { session { status } } }`,
      { id },
    )
  expect((await act('pauseSession'))['pauseSession']?.session.status).toBe('PAUSED')
  expect((await act('resumeSession'))['resumeSession']?.session.status).toBe('QUEUED')
  const changed = await api.get(
    tenant.adminKey,
    'mutation ($id: ID!) { updateSession(input: {id: $id, title: "New", metadata: {a: 1}, maxEvaluations: 2}) { session { title metadata maxEvaluations } } }',
    { id },
  )
  expect(changed).toEqual({ updateSession: { session: { title: 'New', metadata: { a: 1 }, maxEvaluations: 2 } } })
  expect((await act('cancelSession'))['cancelSession']?.session.status).toBe('CANCELED')
  await api.get(tenant.adminKey, 'mutation ($id: ID!) { deleteSession(input: {id: $id}) { id } }', { id })
  const { data, errors } = await api.ask(
    tenant.adminKey,
    'query ($id: ID!) { session(id: $id) { id } sessions { edges { node { id } } } }',
    { id },
  )
  expect(data).toEqual({ session: null, sessions: { edges: [] } })
  expect(errors[0]).toMatchObject({ path: ['session'], extensions: { code: 'NOT_FOUND' } })
})

test('sessions are found by status, agent and words, newest first, in pages', async () => {
  const ids: string[] = []
  for (const title of ['Alpha', 'beta 100%', 'Gamma']) ids.unshift((await create({ title })).id)
  type List = { sessions: { edges: { node: { id: string } }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } }
  const list = async (args: string) =>
    (await api.get<List>(tenant.adminKey, `{ sessions(${args}) { edges { node { id } } pageInfo { hasNextPage endCursor } } }`)).sessions
  const nodes = ({ edges }: List['sessions']) => edges.map(({ node }) => node.id)
  const page = await list('first: 2')
  expect(nodes(page)).toEqual(ids.slice(0, 2))
  expect(page.pageInfo.hasNextPage).toBe(true)
  expect(nodes(await list(`first: 2, after: "${page.pageInfo.endCursor}"`))).toEqual(ids.slice(2))
  expect(nodes(await list('search: "BETA"'))).toEqual([ids[1]])
  expect(nodes(await list('search: "0%"'))).toEqual([ids[1]])
  expect(nodes(await list('search: "a%a"'))).toEqual([])
  expect(nodes(await list('status: [PAUSED]'))).toEqual([])
  expect(nodes(await list(`agentId: "${tenant.agentId}", status: [QUEUED]`))).toEqual(ids)
  const { errors } = await api.ask(tenant.adminKey, '{ sessions(first: 201) { edges { cursor } } }')
  expect(errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'first' })
})

test('a log is read forward and backward, by type and in pages', async () => {
  const { id } = await create()
  for (let i = 0; i < 7; i++) await api.get(tenant.adminKey, SEND, { input: { sessionId: id, text: `m${i}` } })
  type Page = {
    session: {
      events: {
        edges: { node: { seq: number } }[]
        pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string }
      }
    }
  }
  const read = async (args: string) =>
    (
      await api.get<Page>(
        tenant.adminKey,
        `query ($id: ID!) { session(id: $id) { events(${args}) { edges { node { seq } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`,
        { id },
      )
    ).session.events
  const seqs = ({ edges }: Page['session']['events']) => edges.map(({ node }) => node.seq)
  const first = await read('first: 4')
  expect(seqs(first)).toEqual([1, 2, 3, 4])
  expect(seqs(await read(`first: 100, after: "${first.pageInfo.endCursor}"`))).toEqual([5, 6, 7, 8, 9, 10])
  const last = await read('last: 3')
  expect(seqs(last)).toEqual([8, 9, 10])
  expect(last.pageInfo.hasPreviousPage).toBe(true)
  expect(seqs(await read(`last: 3, before: "${last.pageInfo.startCursor}"`))).toEqual([5, 6, 7])
  expect(seqs(await read('first: 3, afterSeq: 5'))).toEqual([6, 7, 8])
  expect(seqs(await read('last: 100, afterSeq: 8'))).toEqual([9, 10])
  expect(seqs(await read('first: 1, afterSeq: -1'))).toEqual([1])
  expect(seqs(await read('first: 2, types: ["user.message"]'))).toEqual([3, 4])
  expect(seqs(await read('first: 2, threadId: "thr_other"'))).toEqual([])
})
