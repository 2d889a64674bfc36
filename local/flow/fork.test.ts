// The headline, seen from outside: one session's work, files and log, gone on with in three ways at once, and outliving where it came from.

import type { MessagesRequest, Step } from '@longhaul/core/testing/scripted-model/script.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Customer, createCustomer } from './create-customer.ts'
import { type Platform, startPlatform } from './start-platform.ts'
import { waitForSession } from './wait-for-session.ts'

let platform: Platform
let customer: Customer

const bash = (command: string): Step => ({ toolCalls: [{ name: 'bash', input: { command } }] })
const says = (request: MessagesRequest, text: string): boolean => JSON.stringify(request.messages).includes(text)
/** Answers with what it can see of the conversation before it was forked. */
const recall = (request: MessagesRequest): Step => ({ text: says(request, 'I have understood it all.') ? 'I remember.' : 'Who am I?' })

beforeAll(async () => {
  platform = await startPlatform()
  const { model } = platform.scene
  model.addScript('study', [
    bash('mkdir -p notes && echo understood >notes/insight.md && echo installed >~/tool && chmod +x ~/tool && ln -s insight.md notes/link'),
    { text: 'I have understood it all.' },
  ])
  for (const way of ['one', 'two']) model.addScript(way, [bash(`cat notes/link ~/tool && echo ${way} >result.txt`), recall])
  model.addScript('three', [{ text: 'Nothing to do.' }, bash('cat notes/insight.md ~/tool && echo three >result.txt'), recall])
  model.addScript('go-on', [bash('cat notes/insight.md && ls'), { text: 'Further on.' }])
  await platform.workers.start()
  await platform.workers.start()
  customer = await createCustomer(platform)
}, 90_000)
afterAll(() => platform?.stop())

type Event = { seq: number; type: string; hash: string; payload: Record<string, unknown> }
const get = <T>(query: string, variables: Record<string, unknown> = {}): Promise<T> => platform.get<T>(customer.adminKey, query, variables)
const eventsOf = async (id: string): Promise<Event[]> => {
  const { session } = await get<{ session: { events: { edges: { node: Event }[] } } }>(
    'query ($id: ID!) { session(id: $id) { events(first: 200) { edges { node { seq type hash payload } } } } }',
    { id },
  )
  return session.events.edges.map(({ node }) => node)
}
const outputsOf = (events: Event[]): unknown[] =>
  events.filter(({ type }) => type === 'agent.tool_result').map(({ payload }) => payload['output'])
const fileOf = async (id: string, path: string): Promise<string | null> =>
  (
    await get<{ session: { file: { text: string } | null } }>(
      'query ($id: ID!, $path: String!) { session(id: $id) { file(path: $path) { text } } }',
      { id, path },
    )
  ).session.file?.text ?? null
const standing = (id: string) =>
  get<{ session: object }>(
    'query ($id: ID!) { session(id: $id) { status head headHash usage { turns toolCalls costUsd } doneConditions { id name status } } }',
    { id },
  )
const send = (sessionId: string, text: string) =>
  get('mutation ($input: SendMessageInput!) { sendMessage(input: $input) { session { id } } }', { input: { sessionId, text } })

/** A session that has studied, rests, and is to be judged from here on. */
const studySession = async (): Promise<string> => {
  const { createSession } = await get<{ createSession: { session: { id: string } } }>(
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    {
      input: {
        agentId: customer.agentId,
        environmentId: customer.environmentId,
        prompt: 'Study this. [[script:study]]',
        resources: [{ file: { path: 'README.md', text: 'as given\n' } }],
      },
    },
  )
  const { id } = createSession.session
  await waitForSession(platform, { key: customer.adminKey, id, status: ['IDLE'] })
  for (const [name, spec] of [
    ['a result', { command: { run: 'test -s result.txt && test -s notes/insight.md' } }],
    ['the readme stays', { unchanged: { paths: ['README.md'] } }],
  ] as const)
    await get('mutation ($input: AddDoneConditionInput!) { addDoneCondition(input: $input) { doneCondition { id } } }', {
      input: { sessionId: id, condition: { name, spec } },
    })
  return id
}

const checkpoint = async (sessionId: string, label: string) =>
  (
    await get<{ createCheckpoint: { checkpoint: { id: string; seq: number; label: string; trigger: string } } }>(
      'mutation ($input: CreateCheckpointInput!) { createCheckpoint(input: $input) { checkpoint { id seq label trigger } } }',
      { input: { sessionId, label } },
    )
  ).createCheckpoint.checkpoint

const forkInto = async (checkpointId: string, forks: object[]): Promise<string[]> =>
  (
    await get<{ forkSession: { sessions: { id: string }[] } }>(
      'mutation ($input: ForkSessionInput!) { forkSession(input: $input) { sessions { id } } }',
      { input: { checkpointId, forks, idempotencyKey: `fork ${checkpointId}` } },
    )
  ).forkSession.sessions.map(({ id }) => id)

describe('a session forked in three', () => {
  it('goes on three ways with its files and its memory, is itself untouched, and may be deleted', async () => {
    const parent = await studySession()
    const point = await checkpoint(parent, 'before the decision')
    expect(point).toMatchObject({ label: 'before the decision', trigger: 'MANUAL' })
    const [before, parentsLog] = [await standing(parent), await eventsOf(parent)]

    const ways = ['one', 'two', 'three'].map((way) => ({ title: way, prompt: `Go this way. [[script:${way}]]` }))
    const asked = ways.map((way, index) => (index === 1 ? { ...way, budgetUsd: '0.5', agentId: customer.otherAgentId } : way))
    const forks = await forkInto(point.id, asked)
    // The same key again makes no further forks.
    expect(await forkInto(point.id, asked)).toEqual(forks)
    for (const id of forks) await waitForSession(platform, { key: customer.adminKey, id, status: ['COMPLETED'] })

    for (const [index, id] of forks.entries()) {
      const events = await eventsOf(id)
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1))
      expect(events.slice(0, point.seq).map(({ hash }) => hash)).toEqual(parentsLog.slice(0, point.seq).map(({ hash }) => hash))
      expect(events[point.seq]).toMatchObject({
        type: 'session.forked',
        payload: { parentId: parent, checkpointId: point.id, seq: point.seq },
      })
      const own = events.slice(point.seq)
      expect(outputsOf(own)).toEqual(['understood\ninstalled\n'])
      expect(own.findLast(({ type }) => type === 'agent.message')?.payload['content']).toEqual([{ type: 'text', text: 'I remember.' }])
      expect(await fileOf(id, '/workspace/result.txt')).toBe(`${ways[index]?.title}\n`)
      expect(own.find(({ type }) => type === 'sandbox.state')?.payload).toMatchObject({
        state: 'RUNNING',
        checkpointId: point.id,
        kept: 'everything',
      })
      const { session } = (await standing(id)) as {
        session: { doneConditions: { id: string; status: string }[]; usage: { toolCalls: number } }
      }
      expect(session.doneConditions.map(({ status }) => status)).toEqual(['SATISFIED', 'SATISFIED'])
      expect(session.usage.toolCalls).toBe(1)
    }
    const { session: lineage } = await get<{
      session: {
        forks: {
          edges: {
            node: {
              title: string
              agent: { id: string }
              budgets: { limitUsd: string }[]
              forkedFrom: { id: string; session: { id: string } }
            }
          }[]
        }
      }
    }>(
      'query ($id: ID!) { session(id: $id) { forks { edges { node { title agent { id } budgets { limitUsd } forkedFrom { id session { id } } } } } } }',
      { id: parent },
    )
    expect(lineage.forks.edges.map(({ node }) => node.title).sort()).toEqual(['one', 'three', 'two'])
    const second = lineage.forks.edges.find(({ node }) => node.title === 'two')?.node
    expect(second).toMatchObject({ agent: { id: customer.otherAgentId }, forkedFrom: { id: point.id, session: { id: parent } } })
    expect(second?.budgets.map(({ limitUsd }) => Number(limitUsd))).toEqual([0.5])

    expect(await standing(parent)).toEqual(before)
    expect(await eventsOf(parent)).toEqual(parentsLog)
    expect(await fileOf(parent, '/workspace/result.txt')).toBeNull()
    await platform.scene.expectClean()

    await get('mutation ($id: ID!) { deleteSession(input: {id: $id}) { id } }', { id: parent })
    const [first = ''] = forks
    expect((await eventsOf(first)).slice(0, point.seq).map(({ hash }) => hash)).toEqual(
      parentsLog.slice(0, point.seq).map(({ hash }) => hash),
    )
    await send(first, 'Go on. [[script:go-on]]')
    await waitForSession(platform, { key: customer.adminKey, id: first, status: ['COMPLETED'], after: (await eventsOf(first)).length })
    expect(outputsOf(await eventsOf(first)).at(-1)).toContain('README.md\nnotes\nresult.txt\n')
    await platform.scene.expectClean()
  }, 180_000)
})
