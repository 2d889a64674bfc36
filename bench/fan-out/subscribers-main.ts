/** Many subscribers of the public API, in a process of their own: says when all are live, then what each received and when. */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { now, type Received, type SubscribersTask } from './parts.ts'

const SUBSCRIBE = `subscription ($sessionId: ID!, $after: Int!) { sessionEvents(sessionId: $sessionId, after: $after, deltas: false) {
  ... on Event { id seq type actor payload createdAt } } }`

process.once('disconnect', () => process.exit())
const [task] = (await once(process, 'message')) as [SubscribersTask]

/** `live` when its first event, which was there before, has come; `done` when all that are to come have. */
const subscribe = (subscriber: number) => {
  const session = task.sessions[subscriber % task.sessions.length]!
  const received: Received[number] = { at: new Float64Array(task.perSession), disorder: 0 }
  const live = Promise.withResolvers<void>()
  const done = Promise.withResolvers<Received[number]>()
  const socket = new WebSocket(`${task.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { perMessageDeflate: false })
  const fail = (why: unknown) => {
    live.reject(why)
    done.reject(why)
  }
  let last = session.head - 1
  let count = 0
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${task.key}` } })))
  socket.on('error', fail)
  socket.on('close', (code, reason) => fail(new Error(`the socket was closed: ${code} ${String(reason)}`)))
  socket.on('message', (frame: Buffer) => {
    const at = now()
    const text = frame.toString()
    const seq = Number(/"seq":(\d+)/.exec(text)?.[1])
    if (text.includes('"connection_ack"')) {
      const variables = { sessionId: session.sessionId, after: last }
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: SUBSCRIBE, variables } }))
    } else if (text.includes('"ping"')) socket.send('{"type":"pong"}')
    else if (Number.isNaN(seq)) fail(new Error(`unexpected: ${text.slice(0, 500)}`))
    else {
      if (seq !== last + 1) received.disorder++
      last = seq
      if (seq === session.head) live.resolve()
      else received.at[count++] = at
      if (count === task.perSession) done.resolve(received)
    }
  })
  return { live: live.promise, done: done.promise, close: () => socket.terminate() }
}

const subscribers: ReturnType<typeof subscribe>[] = []
for (let subscriber = 0; subscriber < task.subscribers; subscriber++) {
  subscribers.push(subscribe(subscriber))
  // Not all in one moment: what is measured is not the accepting of sockets.
  if (subscriber % 20 === 19) await subscribers.at(-1)?.live
}
const all = Promise.all(subscribers.map(({ done }) => done))
await Promise.all(subscribers.map(({ live }) => live))
process.send?.('live')
const received = await all
for (const subscriber of subscribers) subscriber.close()
process.send?.(received, undefined, undefined, () => process.disconnect())
