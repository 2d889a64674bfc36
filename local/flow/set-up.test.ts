// An environment's set-up, seen from outside: a script is run once for whoever waits for it, agents and checks find what it made, and one
// that fails says where.
import type { Step } from '@longhaul/core/testing/scripted-model/script.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Customer, createCustomer } from './create-customer.ts'
import { type Platform, startPlatform } from './start-platform.ts'
import { waitForSession } from './wait-for-session.ts'

let platform: Platform
let customer: Customer

const bash = (command: string): Step => ({ toolCalls: [{ name: 'bash', input: { command } }] })

beforeAll(async () => {
  platform = await startPlatform({ SANDBOX_IDLE_MS: '500' })
  platform.scene.model.addScript('use', [bash('greet >greeting.txt; cat greeting.txt'), { text: 'Greeted.' }])
  await platform.workers.start()
  await platform.workers.start()
  customer = await createCustomer(platform)
}, 90_000)
afterAll(() => platform?.stop())

type Event = { type: string; payload: Record<string, unknown> }
type Build = { id: string; state: string; exitCode: number | null; failedLine: number | null; problem: string | null; log: string }

const get = <T>(query: string, variables: Record<string, unknown> = {}, key = customer.adminKey): Promise<T> =>
  platform.get<T>(key, query, variables)
const createEnvironment = async (setupScript: string): Promise<string> =>
  (
    await get<{ createEnvironment: { environment: { id: string } } }>(
      'mutation ($s: String) { createEnvironment(input: {name: "Set up", memoryMb: 256, diskMb: 256, setupScript: $s}) { environment { id } } }',
      { s: setupScript },
    )
  ).createEnvironment.environment.id
const createSession = async (environmentId: string): Promise<string> => {
  const doneConditions = [{ name: 'the command is there', spec: { command: { run: 'greet | cmp - greeting.txt' } } }]
  const input = { agentId: customer.agentId, environmentId, prompt: '[[script:use]]', doneConditions }
  const made = await get<{ createSession: { session: { id: string } } }>(
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    { input },
  )
  return made.createSession.session.id
}
const waitFor = (id: string, status: string, after = 0) => waitForSession(platform, { key: customer.adminKey, id, status: [status], after })
const eventsOf = async (id: string): Promise<Event[]> =>
  (
    await get<{ session: { events: { edges: { node: Event }[] } } }>(
      'query ($id: ID!) { session(id: $id) { events(first: 200) { edges { node { type payload } } } } }',
      { id },
    )
  ).session.events.edges.map(({ node }) => node)
const BUILD = 'id state exitCode failedLine problem log logTruncated startedAt finishedAt engineId'
const buildsOf = async (sessionId: string, key = customer.adminKey): Promise<(Build & { engineId: string | null })[]> =>
  (
    await get<{ session: { environmentVersion: { builds: { edges: { node: Build & { engineId: string | null } }[] } } } }>(
      `query ($id: ID!) { session(id: $id) { environmentVersion { builds { edges { node { ${BUILD} } } } } } }`,
      { id: sessionId },
      key,
    )
  ).session.environmentVersion.builds.edges.map(({ node }) => node)

it('a script that installs a command is run once for two sessions at once; agents and checks use it', async () => {
  const environmentId = await createEnvironment(
    'echo installing; sleep 1\nprintf "#!/bin/sh\\necho Hello from the set-up\\n" >/usr/local/bin/greet\nchmod +x /usr/local/bin/greet\n',
  )
  const sessions = await Promise.all([createSession(environmentId), createSession(environmentId)])
  for (const id of sessions) await waitFor(id, 'COMPLETED')
  const builds = await buildsOf(sessions[0] ?? '')
  expect(builds).toMatchObject([
    { state: 'BUILT', exitCode: null, problem: null, log: 'installing\n', logTruncated: false, engineId: null },
  ])
  expect((await buildsOf(sessions[0] ?? '', platform.operatorKey))[0]?.engineId).toMatch(/./)
  expect((await get<{ node: object }>('query ($id: ID!) { node(id: $id) { ... on EnvironmentBuild { state } } }', builds[0])).node).toEqual(
    {
      state: 'BUILT',
    },
  )
  for (const id of sessions) {
    const events = await eventsOf(id)
    expect(events.find(({ type }) => type === 'agent.tool_result')?.payload['output']).toBe('Hello from the set-up\n')
    // It waited without a worker, in the log's own words, and its sandbox says which build it is made from.
    const waited = events.filter(({ payload }) => payload['activity'] === 'environment: building')
    expect(waited).toMatchObject([{ type: 'session.status', payload: { status: 'QUEUED' } }])
    const running = events.find(({ type, payload }) => type === 'sandbox.state' && payload['state'] === 'RUNNING')
    expect(running?.payload['buildId']).toBe(builds[0]?.id)
  }
}, 60_000)

it('one that fails at line 3 says so, with what it printed; it pauses who waits, and a person’s resume runs it again', async () => {
  const environmentId = await createEnvironment('echo one\necho two\nno-such-command --now\necho four\n')
  const id = await createSession(environmentId)
  await waitFor(id, 'PAUSED')
  const [build] = await buildsOf(id)
  expect(build).toMatchObject({
    state: 'FAILED',
    exitCode: 127,
    failedLine: 3,
    problem: 'The set-up script failed at line 3: it exited with 127.',
    log: expect.stringMatching(/^one\ntwo\n.*no-such-command: command not found\n/),
  })
  const events = await eventsOf(id)
  const message = events.find(({ type }) => type === 'harness.error')?.payload['message'] as string
  expect(message).toMatch(/failed at line 3: it exited with 127\. The end of its output:\none\ntwo\n.*no-such-command: command not found$/)
  expect(events.at(-1)?.payload).toMatchObject({ status: 'PAUSED', stopReason: 'RESOURCES_FAILED' })

  // A session that comes now is told at once, before it has cost a call, and nothing is run for it.
  const calls = platform.scene.model.requests.length
  const late = await createSession(environmentId)
  await waitFor(late, 'PAUSED')
  expect(await buildsOf(late)).toHaveLength(1)
  expect(platform.scene.model.requests.length).toBe(calls)

  const { length } = events
  await get('mutation ($id: ID!) { resumeSession(input: {sessionId: $id}) { session { id } } }', { id })
  await waitFor(id, 'PAUSED', length + 1)
  expect((await buildsOf(id)).map(({ state }) => state)).toEqual(['FAILED', 'FAILED'])
}, 60_000)

it.each([
  ['a NUL', 'true\0'],
  ['half a character', 'true \ud800'],
  ['nothing', ' \n'],
  ['too much', 'x'.repeat(65_537)],
])('a script with %s is refused by its field', async (_, setupScript) => {
  const input = { name: 'x', setupScript }
  const { errors } = await platform.ask(
    customer.adminKey,
    'mutation ($input: CreateEnvironmentInput!) { createEnvironment(input: $input) { environment { id } } }',
    { input },
  )
  expect(errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.setupScript' })
})

it('the checker finds nothing wrong, and after both environments are archived and their sessions deleted nothing is left', async () => {
  const { environments, sessions } = await get<Record<'environments' | 'sessions', { edges: { node: { id: string } }[] }>>(
    '{ environments { edges { node { id } } } sessions { edges { node { id } } } }',
  )
  for (const { node } of sessions.edges)
    await get('mutation ($id: ID!) { cancelSession(input: {sessionId: $id}) { session { id } } }', node).catch(() => {}) // COMPLETED
  for (const { node } of sessions.edges) await get('mutation ($id: ID!) { deleteSession(input: {id: $id}) { __typename } }', node)
  for (const { node } of environments.edges)
    await get('mutation ($id: ID!) { archiveEnvironment(input: {id: $id}) { environment { id } } }', node)
  await expect
    .poll(
      () =>
        platform.scene.expectClean({ dockerHost: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock' }).then(
          () => 'clean',
          (error: unknown) => String(error),
        ),
      // An image of a checkpoint may be of one that is just being taken until it is a minute old.
      { timeout: 90_000, interval: 1_000 },
    )
    .toBe('clean')
}, 120_000)
