import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createTestSession } from '../../testing/create-test-session.ts'
import { type Message, RawSocket } from '../../testing/raw-socket.ts'
import { OPERATOR_KEY, startTestApi, type TestApi, type TestTenant } from '../../testing/start-test-api.ts'

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

const connect = (): RawSocket => {
  const socket = new RawSocket(api.url)
  opened.push(socket)
  return socket
}
const send = (text: string, id = sessionId, key = tenant.adminKey) =>
  api.get(key, 'mutation ($id: ID!, $text: String!) { sendMessage(input: {sessionId: $id, text: $text}) { event { seq } } }', { id, text })

const EVENTS =
  'subscription ($id: ID!, $after: Int! = 0, $deltas: Boolean! = true) { sessionEvents(sessionId: $id, after: $after, deltas: $deltas) { __typename ... on Event { seq type payload } ... on Delta { text block offset kind turnId } } }'

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
    const socket = await connect().signIn(tenant.adminKey)
    socket.say({ id: 'x', type: 'subscribe', payload: { query: EVENTS, variables: { id: sessionId, deltas: false } } })
    expect(await seqs(socket, 3)).toEqual([1, 2, 3])
    const sent = Promise.all(Array.from({ length: 20 }, (_, i) => send(`m${i}`)))
    expect(await seqs(socket, 20)).toEqual(Array.from({ length: 20 }, (_, i) => i + 4))
    await sent
  })

  test('goes on after the seq that was seen', async () => {
    const own = await createTestSession(api, tenant)
    const socket = await connect().signIn(tenant.adminKey)
    socket.say({ id: 'a', type: 'subscribe', payload: { query: EVENTS, variables: { id: own, after: 2 } } })
    expect(await seqs(socket, 1)).toEqual([3])
    await send('next', own)
    expect(await seqs(socket, 1)).toEqual([4])
  })

  test('each subscriber gets the fields it asked for, under the names it gave', async () => {
    const own = await createTestSession(api, tenant)
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
      const socket = await connect().signIn(tenant.adminKey)
      expect(await socket.ask(query, { with: true }, id)).toEqual({ id, type: 'next', payload: { data: expected } })
    }
    const without = await connect().signIn(tenant.adminKey)
    expect((await without.ask(queries[2][1], { with: false })).payload).toEqual({ data: { sessionEvents: { seq: 3 } } })
  })

  test('a stream that was completed says nothing more, and its id can be used again', async () => {
    const own = await createTestSession(api, tenant)
    const socket = await connect().signIn(tenant.adminKey)
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
    const own = await createTestSession(api, tenant)
    const socket = await connect().signIn(tenant.adminKey)
    const deaf = await connect().signIn(tenant.adminKey)
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
    const foreign = await createTestSession(api, other)
    const deleted = await createTestSession(api, tenant)
    await api.get(tenant.adminKey, 'mutation ($id: ID!) { deleteSession(input: {id: $id}) { id } }', { id: deleted })
    const socket = await connect().signIn(tenant.adminKey)
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
    const socket = await connect().signIn(tenant.adminKey)
    expect((await socket.ask(EVENTS, variables)).payload).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT', field } }] })
  })

  test('a reader that stops reading costs no memory, and misses nothing when it goes on', async () => {
    const own = await createTestSession(api, tenant)
    const text = 'x'.repeat(100_000)
    const socket = await connect().signIn(tenant.adminKey)
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
    const foreign = await createTestSession(api, other)
    const socket = await connect().signIn(tenant.adminKey)
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
    const operator = await connect().signIn(OPERATOR_KEY)
    expect((await operator.ask('subscription { sessionChanged { id } }')).payload?.errors?.[0]?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'tenantId',
    })
    const member = await connect().signIn(tenant.adminKey)
    expect(
      (await member.ask('subscription ($t: ID) { sessionChanged(tenantId: $t) { id } }', { t: other.tenantId })).payload?.errors?.[0]
        ?.extensions,
    ).toMatchObject({ code: 'NOT_FOUND' })
  })
})
