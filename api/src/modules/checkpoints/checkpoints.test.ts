import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { silentParts } from '@longhaul/core/testing/seeds.ts'
import { takeCheckpoint } from '@longhaul/core/testing/take-checkpoint.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi, type TestTenant } from '../../../testing/start-test-api.ts'

let api: TestApi
let tenant: TestTenant
let sessionId: string
let point: { id: string; seq: number }

beforeAll(async () => {
  api = await startTestApi()
  tenant = await api.tenant()
  const made = await api.get<{ createSession: { session: { id: string } } }>(
    tenant.adminKey,
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    { input: { agentId: tenant.agentId, environmentId: tenant.environmentId, prompt: 'Begin.', title: 'parent', metadata: { team: 'a' } } },
  )
  sessionId = made.createSession.session.id
  point = await takeCheckpoint(api.database.db, { tenantId: tenant.tenantId, sessionId })
})
afterAll(() => api?.stop())

const FORK = 'mutation ($input: ForkSessionInput!) { forkSession(input: $input) { sessions { id } } }'
const fork = (input: object) => api.ask(tenant.adminKey, FORK, { input: { checkpointId: point.id, ...input } })
const forkOne = async (): Promise<string> => {
  const { data } = await fork({ forks: [{ prompt: 'On.' }] })
  return (data as { forkSession: { sessions: { id: string }[] } }).forkSession.sessions[0]?.id ?? ''
}

describe('forkSession', () => {
  it.each([
    ['input.forks', { forks: [] }],
    ['input.forks', { forks: Array.from({ length: 21 }, () => ({})) }],
    ['input.forks.1.prompt', { forks: [{}, { prompt: ' ' }] }],
    ['input.forks.0.title', { forks: [{ title: 'two\nlines' }] }],
    ['input.forks.0.budgetUsd', { forks: [{ budgetUsd: '-1' }] }],
  ])('refuses %s that is not what is accepted, and makes nothing', async (field, input) => {
    const before = (await api.database.superuser.query('select count(*) from session')).rows
    const { errors } = await fork(input)
    expect(errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field })
    expect((await api.database.superuser.query('select count(*) from session')).rows).toEqual(before)
  })

  it('makes all or none: one unknown agent among them, and there is no fork', async () => {
    const before = (await api.database.superuser.query('select count(*) from session')).rows
    const { errors } = await fork({ forks: [{}, { agentId: `agt_${'0'.repeat(26)}` }] })
    expect(errors[0]?.extensions).toMatchObject({ code: 'NOT_FOUND' })
    expect((await api.database.superuser.query('select count(*) from session')).rows).toEqual(before)
  })

  it('answers a repeated key with the same sessions, and another input under it with CONFLICT', async () => {
    const input = { forks: [{ title: 'a' }, { title: 'b' }], idempotencyKey: 'once' }
    const [first, second] = await Promise.all([fork(input), fork(input)])
    expect(first.data).toEqual(second.data)
    expect((first.data as { forkSession: { sessions: unknown[] } }).forkSession.sessions).toHaveLength(2)
    const { errors } = await fork({ ...input, forks: [{ title: 'c' }] })
    expect(errors[0]?.extensions).toMatchObject({ code: 'CONFLICT', status: 'KEY_USED' })
  })
})

describe("a fork, through the api's readers", () => {
  it('has what its parent has, and says where it came from', async () => {
    const id = await forkOne()
    const { session } = await api.get<{ session: object }>(
      tenant.adminKey,
      'query ($id: ID!) { session(id: $id) { title prompt metadata status forkedFrom { id seq label trigger workspaceDigest sizeBytes session { id title } } } }',
      { id },
    )
    expect(session).toEqual({
      title: 'parent',
      prompt: 'On.',
      metadata: { team: 'a' },
      status: 'QUEUED',
      forkedFrom: {
        ...point,
        label: null,
        trigger: 'FORK',
        workspaceDigest: null,
        sizeBytes: 0,
        session: { id: sessionId, title: 'parent' },
      },
    })
  })

  it('is one log: forward, backward, by type, by thread, by an id of its own, and live', async () => {
    const id = await forkOne()
    const read = async (args: string) =>
      (
        await api.get<{
          session: { threads: { id: string }[]; events: { edges: { node: { seq: number; type: string; threadId: string } }[] } }
        }>(
          tenant.adminKey,
          `query ($id: ID!) { session(id: $id) { threads { id } events${args} { edges { node { seq type threadId } } } } }`,
          { id },
        )
      ).session
    const { threads, events } = await read('(first: 100)')
    const all = events.edges.map(({ node }) => node)
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1))
    const [thread] = threads
    expect(new Set(all.map(({ threadId }) => threadId))).toEqual(new Set([thread?.id]))
    const seqs = async (args: string) => (await read(args)).events.edges.map(({ node }) => node.seq)
    expect(await seqs('(last: 3)')).toEqual(all.slice(-3).map(({ seq }) => seq))
    expect(await seqs(`(first: 100, threadId: "${thread?.id}")`)).toHaveLength(all.length)
    expect(await seqs('(first: 100, types: ["session.created", "session.forked"])')).toEqual([1, point.seq + 1])

    const inherited = await api.get<{ node: object }>(
      tenant.adminKey,
      'query ($id: ID!) { node(id: $id) { ... on Event { seq type threadId } } }',
      {
        id: `evt_${id}_1`,
      },
    )
    expect(inherited.node).toEqual({ seq: 1, type: 'session.created', threadId: thread?.id })

    const client = api.socket(tenant.adminKey)
    const seen: number[] = []
    await sendMessage(
      silentParts(api.database.db),
      { tenantId: tenant.tenantId, keyId: 'key_x' },
      { sessionId: id, text: 'More.', mode: 'QUEUE' },
    )
    for await (const { data } of client.iterate<{ sessionEvents: { seq: number } }>({
      query: 'subscription ($id: ID!) { sessionEvents(sessionId: $id, after: 1, deltas: false) { ... on Event { seq } } }',
      variables: { id },
    })) {
      seen.push(data?.sessionEvents.seq ?? 0)
      if (seen.length === all.length) break
    }
    await client.dispose()
    expect(seen).toEqual([...all.slice(1).map(({ seq }) => seq), all.length + 1])
  })

  it('is listed with its parent, page by page, and only while both are there', async () => {
    const ids = [await forkOne(), await forkOne()]
    const list = async (after: string | null) =>
      (
        await api.get<{
          session: { forks: { edges: { cursor: string; node: { id: string } }[] }; checkpoints: { edges: { node: { id: string } }[] } }
        }>(
          tenant.adminKey,
          'query ($id: ID!, $after: String) { session(id: $id) { forks(first: 1, after: $after) { edges { cursor node { id } } } checkpoints { edges { node { id } } } } }',
          { id: sessionId, after },
        )
      ).session
    const first = await list(null)
    expect(first.checkpoints.edges.map(({ node }) => node.id)).toEqual([point.id])
    const second = await list(first.forks.edges[0]?.cursor ?? '')
    expect([second, first].map(({ forks }) => forks.edges[0]?.node.id)).toEqual(ids)
    await api.get(tenant.adminKey, 'mutation ($id: ID!) { deleteSession(input: {id: $id}) { id } }', { id: ids[1] })
    expect((await list(null)).forks.edges[0]?.node.id).toBe(ids[0])
  })
})

describe('createCheckpoint', () => {
  it('is refused for a session that has come to its end', async () => {
    const id = await forkOne()
    await api.get(tenant.adminKey, 'mutation ($id: ID!) { cancelSession(input: {sessionId: $id}) { session { id } } }', { id })
    const { errors } = await api.ask(
      tenant.adminKey,
      'mutation ($id: ID!) { createCheckpoint(input: {sessionId: $id}) { checkpoint { id } } }',
      { id },
    )
    expect(errors[0]?.extensions).toEqual({ code: 'CONFLICT', status: 'CANCELED' })
  })
})
