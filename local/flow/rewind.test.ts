// A session taken back, seen from outside: files, conversation or both go on from a checkpoint, and what was undone stays a place to go to.

import type { Step } from '@longhaul/core/testing/scripted-model/script.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Customer, createCustomer } from './create-customer.ts'
import { type Platform, startPlatform } from './start-platform.ts'
import { waitForSession } from './wait-for-session.ts'

let platform: Platform
let customer: Customer

const bash = (command: string): Step => ({ toolCalls: [{ name: 'bash', input: { command } }] })
const LOOK = 'cat a.txt ~/tool; ls'
const BEFORE = 'one\ntwo\ntool\na.txt\nkeep\n'
const UNDONE = 'spoilt\nno tool\na.txt\nnew\n'

beforeAll(async () => {
  platform = await startPlatform()
  const { model } = platform.scene
  model.addScript('first', [
    bash('echo one >a.txt; echo kept >keep'),
    bash('echo two >>a.txt; echo tool >~/tool'),
    { text: 'I have begun.' },
  ])
  model.addScript('second', [
    bash('echo spoilt >a.txt; echo no tool >~/tool'),
    bash('rm keep; echo new >new'),
    { text: 'I have spoilt it.' },
  ])
  model.addScript('look', [bash(LOOK), { text: 'I have looked.' }])
  await platform.workers.start()
  await platform.workers.start()
  customer = await createCustomer(platform)
}, 90_000)
afterAll(() => platform?.stop())

type Event = { seq: number; type: string; payload: Record<string, unknown> }
const get = <T>(query: string, variables: Record<string, unknown> = {}): Promise<T> => platform.get<T>(customer.adminKey, query, variables)
const eventsOf = async (id: string): Promise<Event[]> => {
  const { session } = await get<{ session: { events: { edges: { node: Event }[] } } }>(
    'query ($id: ID!) { session(id: $id) { events(first: 200) { edges { node { seq type payload } } } } }',
    { id },
  )
  return session.events.edges.map(({ node }) => node)
}
const standing = async (id: string) => {
  const query =
    'query ($id: ID!) { session(id: $id) { status stopReason head file(path: "a.txt") { text } sandbox { state } doneConditions { status } } }'
  return (await get<{ session: { status: string; stopReason: string; head: number } & Record<string, unknown> }>(query, { id })).session
}
const rest = (id: string, after = 0) => waitForSession(platform, { key: customer.adminKey, id, status: ['IDLE', 'COMPLETED'], after })
const checkpoint = async (sessionId: string) =>
  (
    await get<{ createCheckpoint: { checkpoint: { id: string; seq: number } } }>(
      'mutation ($input: CreateCheckpointInput!) { createCheckpoint(input: $input) { checkpoint { id seq } } }',
      { input: { sessionId, label: 'good' } },
    )
  ).createCheckpoint.checkpoint
const REWIND = 'mutation ($input: RewindSessionInput!) { rewindSession(input: $input) { session { id status stopReason } } }'
const rewind = (input: object) => get<{ rewindSession: { session: { id: string; status: string } } }>(REWIND, { input })

/** What the session's tool says of its files, and what the model was shown when it was asked for that. */
const lookAround = async (id: string): Promise<{ output: unknown; shown: string }> => {
  const { head } = await standing(id)
  await get('mutation ($input: SendMessageInput!) { sendMessage(input: $input) { session { id } } }', {
    input: { sessionId: id, text: 'Look around. [[script:look]]' },
  })
  await rest(id, head + 4)
  const { scene } = platform
  const request = scene.model.requests.findLast(({ session, script, step }) => session === id && script === 'look' && step === 0)
  const result = (await eventsOf(id)).findLast(({ type }) => type === 'agent.tool_result')
  return { output: result?.payload['output'], shown: JSON.stringify(request?.body.messages) }
}

/** A session that has begun well, a checkpoint of that, and then has spoilt its work; a checkpoint of that too. */
const spoiltSession = async () => {
  const { createSession } = await get<{ createSession: { session: { id: string } } }>(
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    { input: { agentId: customer.agentId, environmentId: customer.environmentId, prompt: 'Begin. [[script:first]]' } },
  )
  const { id } = createSession.session
  await rest(id)
  const good = await checkpoint(id)
  const { head } = await standing(id)
  await get('mutation ($input: SendMessageInput!) { sendMessage(input: $input) { session { id } } }', {
    input: { sessionId: id, text: 'Spoil it. [[script:second]]' },
  })
  await rest(id, head + 8)
  return { id, good, spoilt: await checkpoint(id) }
}

describe('a session that spoilt its work', () => {
  it('is taken back in files and conversation, and goes on as if the rest had never been; which is kept, and can be gone back to', async () => {
    const { id, good, spoilt } = await spoiltSession()
    const before = await eventsOf(id)
    const input = { checkpointId: good.id, axis: 'BOTH', idempotencyKey: 'once' }
    const [once, again] = await Promise.all([rewind(input), rewind(input)])
    expect(again).toEqual(once)
    // Seen at once, with nothing woken for it.
    expect(await standing(id)).toMatchObject({
      status: 'PAUSED',
      stopReason: 'PAUSED_BY_USER',
      file: { text: 'one\ntwo\n' },
      sandbox: { state: 'GONE' },
    })
    const rewound = await eventsOf(id)
    expect(rewound.slice(0, before.length)).toEqual(before)
    expect(rewound.slice(before.length).map(({ type }) => type)).toEqual(['session.rewound', 'sandbox.state', 'session.status'])
    expect(rewound[before.length]?.payload).toMatchObject({ checkpointId: good.id, seq: good.seq, axis: 'BOTH', label: 'good' })

    const { output, shown } = await lookAround(id)
    expect(output).toBe(BEFORE)
    expect(shown).toContain('I have begun.')
    for (const word of ['Spoil it', 'I have spoilt', 'spoilt', 'took the files back']) expect(shown).not.toContain(word)
    const made = (await eventsOf(id)).findLast(({ type }) => type === 'sandbox.state')?.payload
    expect(made).toMatchObject({ state: 'RUNNING', checkpointId: good.id, kept: 'everything' })
    await platform.scene.expectClean()

    // The undone part is forked, and gone back to.
    const { forkSession } = await get<{ forkSession: { sessions: { id: string }[] } }>(
      'mutation ($input: ForkSessionInput!) { forkSession(input: $input) { sessions { id } } }',
      { input: { checkpointId: spoilt.id, forks: [{ prompt: 'Look at that. [[script:look]]' }] } },
    )
    await rewind({ checkpointId: spoilt.id })
    expect(await lookAround(id)).toMatchObject({ output: UNDONE, shown: expect.stringContaining('I have spoilt it.') })
    const [fork] = forkSession.sessions
    await rest(fork?.id ?? '')
    expect((await eventsOf(fork?.id ?? '')).findLast(({ type }) => type === 'agent.tool_result')?.payload['output']).toBe(UNDONE)
    // It inherits where its parent had begun well, and goes back to there as well.
    await rewind({ sessionId: fork?.id, checkpointId: good.id })
    expect((await lookAround(fork?.id ?? '')).output).toBe(BEFORE)
    await platform.scene.expectClean()
  }, 120_000)

  it('shows what it has spoilt, between any two of its moments, and beside a fork that did better', async () => {
    const { id, good, spoilt } = await spoiltSession()
    const diff = async (args: string) => {
      const query = `query ($id: ID!, $good: ID!, $spoilt: ID!) { session(id: $id) { diff(${args}) { edges { node { path change patch } } pageInfo { hasNextPage endCursor } } } good: node(id: $good) { id } spoilt: node(id: $spoilt) { id } }`
      const { session } = await get<{
        session: { diff: { edges: { node: { path: string; change: string; patch: string } }[]; pageInfo: object } }
      }>(query, {
        id,
        good: good.id,
        spoilt: spoilt.id,
      })
      return session.diff
    }
    const spoiling = await diff('fromCheckpointId: $good, toCheckpointId: $spoilt')
    expect(spoiling.edges.map(({ node }) => node)).toEqual([
      { path: '/workspace/a.txt', change: 'MODIFIED', patch: '--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,1 @@\n-one\n-two\n+spoilt\n' },
      { path: '/workspace/keep', change: 'DELETED', patch: '--- a/keep\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-kept\n' },
      { path: '/workspace/new', change: 'ADDED', patch: '--- /dev/null\n+++ b/new\n@@ -0,0 +1,1 @@\n+new\n' },
    ])
    expect((await diff('fromCheckpointId: $spoilt')).edges).toEqual([])
    expect((await diff('toCheckpointId: $good')).edges.map(({ node }) => `${node.change} ${node.path}`)).toEqual([
      'ADDED /workspace/a.txt',
      'ADDED /workspace/keep',
    ])
    expect((await diff('fromCheckpointId: $good, first: 1')).pageInfo).toMatchObject({ hasNextPage: true })

    const { forkSession } = await get<{ forkSession: { sessions: { id: string }[] } }>(
      'mutation ($input: ForkSessionInput!) { forkSession(input: $input) { sessions { id } } }',
      { input: { checkpointId: good.id, forks: [{ prompt: 'Only look. [[script:look]]' }] } },
    )
    const fork = forkSession.sessions[0]?.id ?? ''
    await rest(fork)
    const { compareSessions } = await get<{
      compareSessions: { files: { edges: { node: { path: string; change: string } }[] } } & Record<string, unknown>
    }>(
      `query ($a: ID!, $b: ID!) { compareSessions(a: $a, b: $b) { a { id usage { turns toolCalls } } b { id usage { turns toolCalls } }
        commonSeq commonAncestor { id } conditions { name } files { edges { node { path change } } } } }`,
      { a: id, b: fork },
    )
    expect(compareSessions).toMatchObject({
      a: { id, usage: { turns: 6, toolCalls: 4 } },
      b: { id: fork, usage: { turns: 2, toolCalls: 1 } },
      commonSeq: good.seq,
      commonAncestor: { id: good.id },
      conditions: [],
    })
    expect(compareSessions.files.edges.map(({ node }) => `${node.change} ${node.path}`)).toEqual([
      'MODIFIED /workspace/a.txt',
      'ADDED /workspace/keep',
      'DELETED /workspace/new',
    ])
    await platform.scene.expectClean()
  }, 90_000)

  it('is taken back in its files alone: the agent remembers, and is told', async () => {
    const { id, good } = await spoiltSession()
    await rewind({ checkpointId: good.id, axis: 'FILES' })
    const { output, shown } = await lookAround(id)
    expect(output).toBe(BEFORE)
    expect(shown).toContain('I have spoilt it.')
    expect(shown).toContain(`took the files back to a checkpoint (\\"good\\"): they are as they were after event ${good.seq}.`)
    await platform.scene.expectClean()
  }, 60_000)

  it('is taken back in its conversation alone: the agent has forgotten, and its files stay', async () => {
    const { id, good } = await spoiltSession()
    await rewind({ checkpointId: good.id, axis: 'CONVERSATION' })
    const { output, shown } = await lookAround(id)
    expect(output).toBe(UNDONE)
    expect(shown).not.toContain('poil')
    await platform.scene.expectClean()
  }, 60_000)
})
