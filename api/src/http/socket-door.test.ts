import { revokeApiKey } from '@longhaul/core/src/tenants/revoke-api-key.ts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { OPERATOR_KEY, startTestApi, type TestApi, type TestTenant } from '../../testing/start-test-api.ts'
import { LIMITS } from '../graphql/limits.ts'

type Message = {
  id?: string
  type: string
  payload?: { data?: Record<string, unknown> | null; errors?: { extensions: Record<string, unknown> }[] } & {
    extensions?: Record<string, unknown>
  }[]
}

let api: TestApi
let tenant: TestTenant
let sessionId: string
const opened: RawSocket[] = []

beforeAll(async () => {
  api = await startTestApi()
  tenant = await api.tenant()
  sessionId = await createSession(tenant)
})
afterEach(() => {
  for (const socket of opened.splice(0)) socket.socket.terminate()
})
afterAll(() => api.stop())

const createSession = async ({ adminKey, agentId, environmentId }: TestTenant): Promise<string> => {
  const made = await api.get<{ createSession: { session: { id: string } } }>(
    adminKey,
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    {
      input: { agentId, environmentId, prompt: 'Do it.' },
    },
  )
  return made.createSession.session.id
}
const send = (text: string, id = sessionId, key = tenant.adminKey) =>
  api.get(key, 'mutation ($id: ID!, $text: String!) { sendMessage(input: {sessionId: $id, text: $text}) { event { seq } } }', { id, text })

/** The protocol by hand: what a client library would not send. */
class RawSocket {
  readonly socket: WebSocket
  readonly closed: Promise<{ code: number; reason: string }>
  readonly #messages: Message[] = []
  #wake = () => {}

  constructor(options: { origin?: string; protocol?: string } = {}) {
    this.socket = new WebSocket(api.url.replace('http', 'ws'), options.protocol ?? 'graphql-transport-ws', {
      ...(options.origin ? { origin: options.origin } : {}),
    })
    opened.push(this)
    this.socket.on('message', (data) => {
      this.#messages.push(JSON.parse(String(data)))
      this.#wake()
    })
    this.socket.on('error', () => {})
    this.closed = new Promise((resolve) => this.socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })))
  }

  get opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('open', resolve)
      this.socket.once('unexpected-response', (_, response) => reject(new Error(String(response.statusCode))))
    })
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message))
  }

  async hear(): Promise<Message> {
    while (this.#messages.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#messages.shift() as Message
  }

  async signIn(key: string): Promise<this> {
    await this.opened
    this.say({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } })
    expect(await this.hear()).toEqual({ type: 'connection_ack' })
    return this
  }

  async ask(query: string, variables: object = {}, id = 'x'): Promise<Message> {
    this.say({ id, type: 'subscribe', payload: { query, variables } })
    return this.hear()
  }
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
      const socket = new RawSocket()
      await socket.opened
      socket.say({ type: 'connection_init', payload })
      expect(await socket.closed).toEqual({ code: 4401, reason: 'UNAUTHENTICATED' })
    }
  })

  test('subscribing before connection_init closes the socket', async () => {
    const socket = new RawSocket()
    await socket.opened
    socket.say({ id: 'x', type: 'subscribe', payload: { query: '{ viewer { role } }' } })
    expect(await socket.closed).toMatchObject({ code: 4401 })
  })

  test('a silent socket is closed', async () => {
    const socket = new RawSocket()
    await socket.opened
    expect(await socket.closed).toMatchObject({ code: 4408 })
  })

  test("another page's socket is refused, our own page's is not", async () => {
    await expect(new RawSocket({ origin: 'https://evil.example' }).opened).rejects.toThrow('403')
    await expect(new RawSocket({ origin: 'null' }).opened).rejects.toThrow('403')
    await new RawSocket({ origin: api.running.url }).opened
  })

  test('another protocol is refused', async () => {
    const socket = new RawSocket({ protocol: 'graphql-ws' })
    expect(await socket.closed).toMatchObject({ code: expect.any(Number) })
  })

  test('a revoked key is out within 5 s, and nothing comes after', async () => {
    const secret = await api.key(tenant, 'VIEWER')
    const principal = await api.parts.keyring.authenticate(secret)
    const socket = await new RawSocket().signIn(secret)
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
    const socket = await new RawSocket().signIn(tenant.adminKey)
    socket.socket.send(text)
    expect(await socket.closed).toMatchObject({ code: 4400 })
  })

  test('a frame over the limit closes the socket', async () => {
    const socket = await new RawSocket().signIn(tenant.adminKey)
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
    const socket = await new RawSocket().signIn(tenant.adminKey)
    const { type, payload } = await socket.ask(query)
    const { errors } = await api.ask(tenant.adminKey, query)
    expect(type).toBe('error')
    expect(payload).toEqual(errors)
  })

  test('a query and a mutation answer as over HTTP', async () => {
    const socket = await new RawSocket().signIn(tenant.adminKey)
    const query = '{ viewer { role tenant { id } } }'
    expect(await socket.ask(query)).toEqual({ id: 'x', type: 'next', payload: { data: (await api.ask(tenant.adminKey, query)).data } })
    expect(await socket.hear()).toEqual({ id: 'x', type: 'complete' })
    const bad = await socket.ask('mutation { sendMessage(input: {sessionId: "ses_x", text: "x"}) { event { seq } } }')
    expect(bad.payload?.errors?.[0]?.extensions).toEqual({ code: 'NOT_FOUND' })
  })

  test('more operations than a socket carries are RATE_LIMITED', async () => {
    const socket = await new RawSocket().signIn(tenant.adminKey)
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

describe('sessionEvents', () => {
  const seqs = async (socket: RawSocket, count: number): Promise<number[]> => {
    const seen: number[] = []
    while (seen.length < count) {
      const { payload } = await socket.hear()
      const event = payload?.data?.['sessionEvents'] as { seq: number }
      seen.push(event.seq)
    }
    return seen
  }

  test('tells what is stored, then what comes, each once and in order', async () => {
    const socket = await new RawSocket().signIn(tenant.adminKey)
    socket.say({ id: 'x', type: 'subscribe', payload: { query: EVENTS, variables: { id: sessionId, deltas: false } } })
    expect(await seqs(socket, 3)).toEqual([1, 2, 3])
    const sent = Promise.all(Array.from({ length: 20 }, (_, i) => send(`m${i}`)))
    expect(await seqs(socket, 20)).toEqual(Array.from({ length: 20 }, (_, i) => i + 4))
    await sent
  })

  test('goes on after the seq that was seen', async () => {
    const own = await createSession(tenant)
    const socket = await new RawSocket().signIn(tenant.adminKey)
    socket.say({ id: 'a', type: 'subscribe', payload: { query: EVENTS, variables: { id: own, after: 2 } } })
    expect(await seqs(socket, 1)).toEqual([3])
    await send('next', own)
    expect(await seqs(socket, 1)).toEqual([4])
  })

  test('each subscriber gets the fields it asked for, under the names it gave', async () => {
    const own = await createSession(tenant)
    const queries = [
      ['a', `subscription { sessionEvents(sessionId: "${own}", after: 2) { ... on Event { seq } } }`, { sessionEvents: { seq: 3 } }],
      [
        'b',
        `subscription { e: sessionEvents(sessionId: "${own}", after: 2) { ... on Event { n: seq id threadId @skip(if: true) } } }`,
        { e: { n: 3, id: `evt_${own}_3` } },
      ],
      [
        'c',
        `subscription ($with: Boolean!) { ...S } fragment S on Subscription { sessionEvents(sessionId: "${own}", after: 2) { ... on Event { seq type @include(if: $with) } } }`,
        { sessionEvents: { seq: 3, type: 'user.message' } },
      ],
    ] as const
    for (const [id, query, expected] of queries) {
      const socket = await new RawSocket().signIn(tenant.adminKey)
      expect(await socket.ask(query, { with: true }, id)).toEqual({ id, type: 'next', payload: { data: expected } })
    }
    const without = await new RawSocket().signIn(tenant.adminKey)
    expect((await without.ask(queries[2][1], { with: false })).payload).toEqual({ data: { sessionEvents: { seq: 3 } } })
  })

  test('a stream that was completed says nothing more, and its id can be used again', async () => {
    const own = await createSession(tenant)
    const socket = await new RawSocket().signIn(tenant.adminKey)
    await socket.ask(EVENTS, { id: own, after: 2 }, 'x')
    socket.say({ id: 'x', type: 'complete' })
    // The answer to a later question shows that the socket has read on.
    expect(await socket.ask('{ viewer { role } }', {}, 'y')).toMatchObject({ id: 'y', type: 'next' })
    expect(await socket.hear()).toEqual({ id: 'y', type: 'complete' })
    await send('unheard', own)
    socket.say({ id: 'x', type: 'subscribe', payload: { query: EVENTS, variables: { id: own, after: 3 } } })
    expect(await seqs(socket, 1)).toEqual([4])
  })

  test('deltas come as they are streamed, to those who want them', async () => {
    const own = await createSession(tenant)
    const socket = await new RawSocket().signIn(tenant.adminKey)
    const deaf = await new RawSocket().signIn(tenant.adminKey)
    await socket.ask(EVENTS, { id: own, after: 2 })
    await deaf.ask(EVENTS, { id: own, after: 2, deltas: false })
    const delta = {
      sessionId: own,
      threadId: 'thr_x',
      turnId: 'trn_x',
      attempt: 1,
      block: 0,
      offset: 0,
      kind: 'TEXT' as const,
      text: 'Hel',
    }
    // Whoever has got the stored events may be following a moment later.
    let heard: Message | null = null
    const hearing = socket.hear().then((message) => (heard = message))
    while (heard === null) {
      api.parts.announcer.announceDelta(delta)
      await api.parts.announcer.flush()
      await Promise.race([hearing, new Promise((resolve) => setTimeout(resolve, 20))])
    }
    expect((await hearing).payload).toEqual({
      data: {
        sessionEvents: { __typename: 'Delta', text: expect.stringMatching(/^(Hel)+$/), block: 0, offset: 0, kind: 'TEXT', turnId: 'trn_x' },
      },
    })
    await send('an event', own)
    expect((await deaf.hear()).payload).toMatchObject({ data: { sessionEvents: { seq: 4 } } })
  })

  test("another tenant's session, a deleted one and none at all are the same: not found", async () => {
    const other = await api.tenant()
    const foreign = await createSession(other)
    const deleted = await createSession(tenant)
    await api.get(tenant.adminKey, 'mutation ($id: ID!) { deleteSession(input: {id: $id}) { id } }', { id: deleted })
    const socket = await new RawSocket().signIn(tenant.adminKey)
    for (const id of [foreign, deleted, 'ses_00000000000000000000000000', "x'", '']) {
      const { payload } = await socket.ask(EVENTS, { id }, id || 'empty')
      expect(payload).toMatchObject({ errors: [{ message: `There is no session ${id}.`, extensions: { code: 'NOT_FOUND' } }] })
      expect(await socket.hear()).toMatchObject({ type: 'complete' })
    }
  })

  test.each([
    [{ id: 'ses_x', after: -1 }, 'after'],
    [{ id: 'ses_x', after: 'x' }, 'after'],
    [{}, 'id'],
  ])('wrong arguments are named', async (variables, field) => {
    const socket = await new RawSocket().signIn(tenant.adminKey)
    expect((await socket.ask(EVENTS, variables)).payload).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT', field } }] })
  })

  test('a reader that stops reading costs no memory, and misses nothing when it goes on', async () => {
    const own = await createSession(tenant)
    const text = 'x'.repeat(100_000)
    const socket = await new RawSocket().signIn(tenant.adminKey)
    await socket.ask(EVENTS, { id: own, after: 2 })
    socket.socket.pause()
    for (let i = 0; i < 60; i++) await send(text, own)
    socket.socket.resume()
    expect(await seqs(socket, 60)).toEqual(Array.from({ length: 60 }, (_, i) => i + 4))
  })
})

describe('sessionChanged', () => {
  test("tells of the tenant's sessions, not of another's, and of the newest state", async () => {
    const other = await api.tenant()
    const foreign = await createSession(other)
    const socket = await new RawSocket().signIn(tenant.adminKey)
    socket.say({ id: 'x', type: 'subscribe', payload: { query: 'subscription { sessionChanged { id head status } }' } })
    expect(await socket.ask('{ viewer { role } }', {}, 'y')).toMatchObject({ id: 'y' })
    await socket.hear()
    await send('foreign', foreign, other.adminKey)
    await send('own')
    const { payload } = await socket.hear()
    const { session } = await api.get<{ session: { id: string; head: number; status: string } }>(
      tenant.adminKey,
      'query ($id: ID!) { session(id: $id) { id head status } }',
      { id: sessionId },
    )
    expect(payload).toEqual({ data: { sessionChanged: session } })
  })

  test('an operator names the tenant, anyone else only its own', async () => {
    const other = await api.tenant()
    const operator = await new RawSocket().signIn(OPERATOR_KEY)
    expect((await operator.ask('subscription { sessionChanged { id } }')).payload?.errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'tenantId',
    })
    const member = await new RawSocket().signIn(tenant.adminKey)
    expect(
      (await member.ask('subscription ($t: ID) { sessionChanged(tenantId: $t) { id } }', { t: other.tenantId })).payload?.errors?.[0]
        ?.extensions,
    ).toMatchObject({ code: 'NOT_FOUND' })
  })
})
