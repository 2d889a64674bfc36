import { revokeApiKey } from '@longhaul/core/src/tenants/revoke-api-key.ts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createTestSession } from '../../testing/create-test-session.ts'
import { RawSocket } from '../../testing/raw-socket.ts'
import { startTestApi, type TestApi, type TestTenant } from '../../testing/start-test-api.ts'
import { LIMITS } from '../graphql/limits.ts'

let api: TestApi
let tenant: TestTenant
let sessionId: string
const opened: RawSocket[] = []

beforeAll(async () => {
  api = await startTestApi()
  tenant = await api.tenant()
  sessionId = await createTestSession(api, tenant)
})
afterEach(() => {
  for (const socket of opened.splice(0)) socket.socket.terminate()
})
afterAll(() => api.stop())

const connect = (options: { origin?: string; protocol?: string } = {}): RawSocket => {
  const socket = new RawSocket(api.url, options)
  opened.push(socket)
  return socket
}

const EVENTS =
  'subscription ($id: ID!, $after: Int! = 0, $deltas: Boolean! = true) { sessionEvents(sessionId: $id, after: $after, deltas: $deltas) { __typename ... on Event { seq type payload } ... on Delta { text block offset kind turnId } } }'

describe('who may speak', () => {
  test('a socket without a good key is closed, and told nothing about why', async () => {
    for (const payload of [
      undefined,
      {},
      { authorization: 'Bearer no' },
      { authorization: { toString: 'x' } },
      { Authorization: `Bearer ${tenant.adminKey}` },
      { role: 'OPERATOR', tenantId: tenant.tenantId },
    ]) {
      const socket = connect()
      await socket.opened
      socket.say({ type: 'connection_init', payload })
      expect(await socket.closed).toEqual({ code: 4401, reason: 'UNAUTHENTICATED' })
    }
  })

  test('subscribing before connection_init closes the socket', async () => {
    const socket = connect()
    await socket.opened
    socket.say({ id: 'x', type: 'subscribe', payload: { query: '{ viewer { role } }' } })
    expect(await socket.closed).toMatchObject({ code: 4401 })
  })

  test('a silent socket is closed', async () => {
    const socket = connect()
    await socket.opened
    expect(await socket.closed).toMatchObject({ code: 4408 })
  })

  test("another page's socket is refused, our own page's is not", async () => {
    await expect(connect({ origin: 'https://evil.example' }).opened).rejects.toThrow('403')
    await expect(connect({ origin: 'null' }).opened).rejects.toThrow('403')
    await connect({ origin: api.running.url }).opened
  })

  test('another protocol is refused', async () => {
    const socket = connect({ protocol: 'graphql-ws' })
    expect(await socket.closed).toMatchObject({ code: expect.any(Number) })
  })

  test('a revoked key is out within 5 s, and nothing comes after', async () => {
    const secret = await api.key(tenant, 'VIEWER')
    const principal = await api.parts.keyring.authenticate(secret)
    const socket = await connect().signIn(secret)
    socket.say({ id: 'x', type: 'subscribe', payload: { query: EVENTS, variables: { id: sessionId } } })
    await socket.hear()
    // Straight in the database, as another api process would do it.
    const started = Date.now()
    await revokeApiKey(api.database.db, { tenantId: tenant.tenantId, keyId: principal?.keyId ?? '' })
    expect(await socket.closed).toEqual({ code: 4401, reason: 'UNAUTHENTICATED' })
    expect(Date.now() - started).toBeLessThan(5_000)
  })
})

describe('what may be said', () => {
  test.each([
    ['what is no message', 'hello'],
    ['an unknown type', '{"type":"start"}'],
    ['a subscribe without an id', '{"type":"subscribe","payload":{"query":"{viewer{role}}"}}'],
  ])('%s closes the socket', async (_, text) => {
    const socket = await connect().signIn(tenant.adminKey)
    socket.socket.send(text)
    expect(await socket.closed).toMatchObject({ code: 4400 })
  })

  test('a frame over the limit closes the socket', async () => {
    const socket = await connect().signIn(tenant.adminKey)
    socket.socket.send('x'.repeat(LIMITS.bodyBytes + 1))
    expect(await socket.closed).toMatchObject({ code: 1009 })
  })

  test.each([
    ['aliases', `{ ${Array.from({ length: 51 }, (_, i) => `a${i}: viewer { role }`).join(' ')} }`],
    ['cost', '{ sessions(first: 200) { edges { node { events(first: 200) { edges { node { seq } } } } } } }'],
    ['an unknown field', '{ nothing }'],
    ['a fragment in a circle', 'fragment A on Viewer { ...A } { viewer { ...A } }'],
    ['no document', '{'],
  ])('%s is refused as over HTTP', async (_, query) => {
    const socket = await connect().signIn(tenant.adminKey)
    const { type, payload } = await socket.ask(query)
    const { errors } = await api.ask(tenant.adminKey, query)
    expect(type).toBe('error')
    expect(payload).toEqual(errors)
  })

  test('a query and a mutation answer as over HTTP', async () => {
    const socket = await connect().signIn(tenant.adminKey)
    const query = '{ viewer { role tenant { id } } }'
    expect(await socket.ask(query)).toEqual({ id: 'x', type: 'next', payload: { data: (await api.ask(tenant.adminKey, query)).data } })
    expect(await socket.hear()).toEqual({ id: 'x', type: 'complete' })
    const bad = await socket.ask('mutation { sendMessage(input: {sessionId: "ses_x", text: "x"}) { event { seq } } }')
    expect(bad.payload?.errors?.[0]?.extensions).toEqual({ code: 'NOT_FOUND' })
  })

  test('more operations than a socket carries are RATE_LIMITED', async () => {
    const socket = await connect().signIn(tenant.adminKey)
    for (let i = 0; i <= LIMITS.subscriptionsPerSocket; i++)
      socket.say({ id: String(i), type: 'subscribe', payload: { query: 'subscription { sessionChanged { id } }' } })
    const { id, type, payload } = await socket.hear()
    expect({ id, type, code: payload?.[0]?.extensions?.['code'] }).toEqual({
      id: String(LIMITS.subscriptionsPerSocket),
      type: 'error',
      code: 'RATE_LIMITED',
    })
  })
})
