import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buildSchema, GraphQLError } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { afterEach, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { createApiClient } from './api-client.ts'
import { followSession } from './follow-session.ts'

const schema = buildSchema(`
  scalar JSON
  scalar Usd
  type Query { ok: Boolean }
  type Subscription { sessionEvents(sessionId: ID!, after: Int! = 0, deltas: Boolean! = true): SessionUpdate! }
  union SessionUpdate = Event | Delta
  type Event { seq: Int! type: String! payload: JSON! costUsd: Usd createdAt: String! }
  type Delta { turnId: ID! attempt: Int! block: Int! offset: Int! kind: String! text: String! }
`)

type Source = (after: number, closeSocket: () => void) => AsyncGenerator<unknown>
const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

/** A server that speaks the public protocol and sends what `source` yields. */
async function serve(source: Source, accepts = true) {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(sockets, 'listening')
  const closeSocket = () => {
    for (const client of sockets.clients) client.terminate()
  }
  const sessionEvents = async ({ after }: { after: number }) => toUpdates(source(after, closeSocket))
  useServer({ schema, roots: { subscription: { sessionEvents } }, onConnect: () => accepts }, sockets)
  const { port } = sockets.address() as AddressInfo
  const client = createApiClient({ url: `http://127.0.0.1:${port}/graphql`, key: 'k' })
  open.push(client, sockets)
  return client
}

async function* toUpdates(values: AsyncGenerator<unknown>) {
  for await (const sessionEvents of values) yield { sessionEvents }
}

const event = (seq: number, type = 'user.message', payload: unknown = {}) => ({
  __typename: 'Event',
  seq,
  type,
  payload,
  costUsd: null,
  createdAt: '',
})
const done = (seq: number) => event(seq, 'session.status', { status: 'COMPLETED', stopReason: 'DONE' })

async function collect(client: ReturnType<typeof createApiClient>) {
  const seqs: number[] = []
  for await (const update of followSession(client, { sessionId: 'ses_1' })) if (update.__typename === 'Event') seqs.push(update.seq)
  return seqs
}

test('a broken connection is taken up behind the last event seen, and each comes once', async () => {
  const asked: number[] = []
  const client = await serve(async function* (after, closeSocket) {
    asked.push(after)
    if (after === 0) {
      yield event(1)
      yield event(2)
      closeSocket()
      return
    }
    yield event(2) // a server that repeats itself
    yield event(3)
    yield done(4)
  })
  expect(await collect(client)).toEqual([1, 2, 3, 4])
  expect(asked).toEqual([0, 2])
})

test('it ends where the session rests, not where it pauses for breath', async () => {
  const client = await serve(async function* () {
    yield event(1, 'session.status', { status: 'RUNNING' })
    yield event(2, 'session.status', { status: 'QUEUED' })
    yield done(3)
    yield event(4)
  })
  expect(await collect(client)).toEqual([1, 2, 3])
})

test("the server's refusal is told, not retried", async () => {
  let asked = 0
  const client = await serve(() => {
    asked++
    throw new GraphQLError('no session ses_1', { extensions: { code: 'NOT_FOUND' } })
  })
  await expect(collect(client)).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'no session ses_1' })
  expect(asked).toBe(1)
})

test('a key that is refused on the socket ends it', async () => {
  const client = await serve(async function* () {
    yield event(1)
  }, false)
  await expect(collect(client)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
})
