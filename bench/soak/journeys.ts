import type { ApiClient } from '@longhaul/local/session/api-client.ts'
import { followSession } from '@longhaul/local/session/follow-session.ts'
import { toRecord } from '@longhaul/local/session/render-event.ts'

export type Customer = { client: ApiClient; agentId: string; environmentId: string }

/** One session from its beginning to its deletion, by one customer, as the name says. Rejects when it does not go as it should. */
export type Journey = (customer: Customer) => Promise<void>

const SESSION = '{ session { id } }'

/** In the order in which they are taken, over and over. */
export const journeys: Record<string, Journey> = {
  'works, is checked, is done': async (customer) => {
    const sessionId = await begin(customer, {
      prompt: '[[script:work]]',
      doneConditions: [{ name: 'notes', spec: { command: { run: 'test -s notes.txt' } } }],
    })
    await until(customer, sessionId, 'COMPLETED')
    await remove(customer, sessionId)
  },

  'is talked to in every mode': async (customer) => {
    const sessionId = await begin(customer, { prompt: 'Answer.' })
    let seen = await until(customer, sessionId, 'IDLE')
    for (const mode of ['QUEUE', 'STEER', 'INTERRUPT']) {
      await mutate(customer, 'sendMessage', { sessionId, text: 'And now?', mode })
      seen = await until(customer, sessionId, 'IDLE', seen)
    }
    await remove(customer, sessionId)
  },

  'is paused at work and resumed': async (customer) => {
    const sessionId = await begin(customer, { prompt: '[[script:long]]' })
    await mutate(customer, 'pauseSession', { sessionId })
    const seen = await until(customer, sessionId, 'PAUSED')
    await mutate(customer, 'resumeSession', { sessionId })
    await until(customer, sessionId, 'IDLE', seen)
    await remove(customer, sessionId)
  },

  'is canceled at work': async (customer) => {
    const sessionId = await begin(customer, { prompt: '[[script:long]]' })
    await mutate(customer, 'cancelSession', { sessionId })
    await until(customer, sessionId, 'CANCELED')
    await remove(customer, sessionId)
  },

  'stops at its budget and goes on when it is raised': async (customer) => {
    const sessionId = await begin(customer, { prompt: '[[script:work]]', budgetUsd: '0.000001' })
    const seen = await until(customer, sessionId, 'PAUSED')
    await mutate(customer, 'setBudget', { scope: 'SESSION', scopeId: sessionId, period: 'LIFETIME', limitUsd: '1' }, '{ budget { id } }')
    await until(customer, sessionId, 'IDLE', seen)
    await remove(customer, sessionId)
  },

  'is deleted at work': async (customer) => {
    const sessionId = await begin(customer, { prompt: '[[script:work]]' })
    await remove(customer, sessionId)
  },
}

const begin = async ({ client, agentId, environmentId }: Customer, more: Record<string, unknown>): Promise<string> => {
  const made = await client.request<{ createSession: { session: { id: string } } }>(
    `mutation ($input: CreateSessionInput!) { createSession(input: $input) ${SESSION} }`,
    { input: { agentId, environmentId, ...more } },
  )
  return made.createSession.session.id
}

const mutate = async ({ client }: Customer, name: string, input: Record<string, unknown>, fields = SESSION): Promise<void> => {
  await client.request(`mutation ($input: ${INPUTS[name]}!) { ${name}(input: $input) ${fields} }`, { input })
}

const INPUTS: Record<string, string> = {
  sendMessage: 'SendMessageInput',
  pauseSession: 'SessionIdInput',
  resumeSession: 'SessionIdInput',
  cancelSession: 'CancelSessionInput',
  setBudget: 'SetBudgetInput',
}

const remove = async ({ client }: Customer, id: string): Promise<void> => {
  await client.request('mutation ($input: IdInput!) { deleteSession(input: $input) { id } }', { input: { id } })
}

/** Watches the session from the event after `after` until it rests, and answers that event's seq; anything but `status` is an error. */
const until = async ({ client }: Customer, sessionId: string, status: string, after = 0): Promise<number> => {
  let last: { seq: number; status: unknown; stopReason: unknown } | undefined
  for await (const update of followSession(client, { sessionId, after })) {
    if (update.__typename !== 'Event' || update.type !== 'session.status') continue
    const payload = toRecord(update.payload)
    last = { seq: update.seq, status: payload['status'], stopReason: payload['stopReason'] }
  }
  if (last?.status !== status) throw new Error(`${sessionId} should be ${status}, and is ${JSON.stringify(last)}`)
  return last.seq
}
