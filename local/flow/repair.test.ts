// One real session, end to end: a person's key in, a repaired repository out, the agent's claims judged from outside.
import { type GitServer, startGitServer } from '@longhaul/core/testing/git-server.ts'
import { repairConditions, repairPrompt, repairResources, repairScript } from '@longhaul/core/testing/scripted-model/scripts/repair.ts'
import { findBridgeGateway } from '@longhaul/worker/testing/find-bridge-gateway.ts'
import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RESTING_STATUSES, type SessionEvent } from '../session/session-update.ts'
import { followRestlessly, type Seen } from './restless-subscriber.ts'
import { type Platform, startPlatform } from './start-platform.ts'

type Customer = { adminKey: string; memberKey: string; agentId: string; environmentId: string }

let platform: Platform
let git: GitServer
let gateway: string
let customer: Customer

beforeAll(async () => {
  gateway = await findBridgeGateway(new Docker())
  git = await startGitServer([gateway])
  platform = await startPlatform({ GIT_CA_FILE: git.caFile, GIT_ALLOWED_PRIVATE_HOSTS: gateway })
  platform.scene.model.addScript('repair', repairScript({ chunkDelayMs: 12 }))
  await platform.workers.start()
  await platform.workers.start()
  customer = await createCustomer(platform)
}, 90_000)
afterAll(async () => {
  await platform?.stop()
  await git?.stop()
})

const createCustomer = async ({ get, operatorKey }: Platform): Promise<Customer> => {
  const made = await get<{ createTenant: { tenant: { id: string }; adminKey: string } }>(
    operatorKey,
    'mutation { createTenant(input: {slug: "acme", name: "Acme"}) { tenant { id } adminKey } }',
  )
  const { adminKey, tenant } = made.createTenant
  await get(
    operatorKey,
    'mutation ($id: ID!) { setBudget(input: {scope: TENANT, scopeId: $id, period: LIFETIME, limitUsd: "5"}) { budget { id } } }',
    { id: tenant.id },
  )
  const parts = await get<{
    createAgent: { agent: { id: string } }
    createEnvironment: { environment: { id: string } }
    createApiKey: { secret: string }
  }>(
    adminKey,
    `mutation {
      createAgent(input: {name: "Repairer", model: "claude-sonnet-5-5"}) { agent { id } }
      createEnvironment(input: {name: "Python"}) { environment { id } }
      createApiKey(input: {name: "ci", role: MEMBER}) { secret }
    }`,
  )
  return {
    adminKey,
    memberKey: parts.createApiKey.secret,
    agentId: parts.createAgent.agent.id,
    environmentId: parts.createEnvironment.environment.id,
  }
}

const createSession = async (resources: unknown[]): Promise<string> => {
  const { agentId, environmentId, memberKey } = customer
  const made = await platform.get<{ createSession: { session: { id: string; status: string } } }>(
    memberKey,
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id status } } }',
    { input: { agentId, environmentId, prompt: repairPrompt, doneConditions: repairConditions, budgetUsd: '1', resources } },
  )
  const { id } = made.createSession.session
  platform.scene.note({ kind: 'accepted', sessionId: id, seq: 1 })
  return id
}

/** The same every time for one seed. */
const createRandom = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const payloadOf = ({ payload }: SessionEvent): Record<string, unknown> => payload as Record<string, unknown>
const rests = (event: SessionEvent): boolean =>
  event.type === 'session.status' && RESTING_STATUSES.includes(String(payloadOf(event)['status']))
const follow = (sessionId: string, seed: number): Promise<Seen> =>
  followRestlessly(platform, { key: customer.memberKey, sessionId, random: createRandom(seed), isLast: rests })

const expectEveryEventOnce = ({ events, connections }: Seen): void => {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
  expect(connections).toBeGreaterThan(3)
}

/** Each piece stands where it says in the message that replaces it. */
const expectDeltasOfMessages = ({ events, deltas }: Seen): void => {
  const messages = new Map(events.filter(({ type }) => type === 'agent.message').map((event) => [payloadOf(event)['turnId'], event]))
  const texts = deltas.filter(({ kind, turnId }) => kind === 'TEXT' && messages.has(turnId))
  expect(texts.length).toBeGreaterThan(0)
  for (const { turnId, block, offset, text } of texts) {
    const content = payloadOf(messages.get(turnId) as SessionEvent)['content'] as { text?: string }[]
    expect(content[block]?.text?.slice(offset, offset + text.length)).toBe(text)
  }
}

type SessionView = {
  session: {
    status: string
    stopReason: string
    head: number
    evaluationRounds: number
    usage: { costUsd: string; reservedUsd: string; turns: number; toolCalls: number; inputTokens: number }
    budgets: { limitUsd: string; spentUsd: string; reservedUsd: string }[]
    doneConditions: { id: string; name: string; status: string; lastEvaluation: { verdict: string; isolated: boolean } }[]
    evaluations: { edges: { node: { round: number; verdict: string; workspaceDigest: string; conditionId: string } }[] }
    file: { text: string }
    sandbox: { state: string; provider: string }
  }
}
const readSession = (id: string): Promise<SessionView> =>
  platform.get<SessionView>(
    customer.memberKey,
    `query ($id: ID!) { session(id: $id) {
      status stopReason head evaluationRounds
      usage { costUsd reservedUsd turns toolCalls inputTokens }
      budgets { limitUsd spentUsd reservedUsd }
      doneConditions { id name status lastEvaluation { verdict isolated } }
      evaluations(first: 50) { edges { node { round verdict workspaceDigest conditionId } } }
      file(path: "/workspace/calc.py") { text }
      sandbox { state provider }
    } }`,
    { id },
  )

/** UNSATISFIED, UNSATISFIED, COMPLETED: too early, by deleting a test, then by repairing the code. */
const expectRepaired = async (sessionId: string): Promise<void> => {
  const { session } = await readSession(sessionId)
  expect(session).toMatchObject({ status: 'COMPLETED', stopReason: 'DONE', evaluationRounds: 3 })
  expect(session.doneConditions).toMatchObject([
    { name: 'tests pass', status: 'SATISFIED', lastEvaluation: { verdict: 'SATISFIED', isolated: true } },
    { name: 'test files unchanged', status: 'SATISFIED', lastEvaluation: { verdict: 'SATISFIED', isolated: true } },
  ])
  const verdicts = session.evaluations.edges.map(({ node }) => node)
  const rounds = [1, 2, 3].map((round) => verdicts.filter((node) => node.round === round))
  const verdictsOn = (id: string) => rounds.map((round) => round.find(({ conditionId }) => conditionId === id)?.verdict)
  const [tests, untouched] = session.doneConditions.map(({ id }) => id) as [string, string]
  // The second time the tests that it had changed were put back before they ran.
  expect(verdictsOn(tests)).toEqual(['UNSATISFIED', 'UNSATISFIED', 'SATISFIED'])
  expect(verdictsOn(untouched)).toEqual(['SATISFIED', 'UNSATISFIED', 'SATISFIED'])
  // Bound to the files as they were: one digest a round, another each round.
  expect(new Set(rounds.map((round) => new Set(round.map(({ workspaceDigest }) => workspaceDigest)).size))).toEqual(new Set([1]))
  expect(new Set(verdicts.map(({ workspaceDigest }) => workspaceDigest)).size).toBe(3)
  expect(session.file.text).toContain('sum(numbers) / len(numbers)')
  expect(session.sandbox).toMatchObject({ provider: 'docker' })
}

describe('a repository with two failing tests', () => {
  it('given as files is repaired, seen once and in order by a reader who reconnects, and paid for', async () => {
    const sessionId = await createSession(repairResources)
    const seen = await follow(sessionId, 1)
    expectEveryEventOnce(seen)
    expectDeltasOfMessages(seen)
    await expectRepaired(sessionId)

    const { session } = await readSession(sessionId)
    expect(session.head).toBe(seen.events.length)
    expect(session.usage).toMatchObject({ turns: 8, toolCalls: 9, reservedUsd: '0.00' })
    const counted = platform.scene.model.charges.filter((charge) => charge.session === sessionId)
    const costNanos = counted.reduce((sum, { costNanos: cost }) => sum + BigInt(cost), 0n)
    // Spent is rounded up to six places.
    const spent = Number((costNanos + 999n) / 1_000n) / 1e6
    expect(Number(session.usage.costUsd)).toBe(spent)
    const [budget] = session.budgets
    expect([budget?.limitUsd, budget?.spentUsd, budget?.reservedUsd].map(Number)).toEqual([1, spent, 0])
    await platform.scene.expectClean()
  }, 120_000)

  it('given as a git address is cloned by the platform and repaired, though a worker is killed meanwhile', async () => {
    await git.addRepository('calc', Object.fromEntries(repairResources.map(({ file }) => [file.path, file.text])))
    const doomed = await platform.workers.start()
    const sessionId = await createSession([{ git: { path: '.', url: `https://${gateway}:${git.port}/calc.git`, ref: 'v1' } }])
    const following = follow(sessionId, 7)
    await platform.scene.model.waitForRequest(({ session, step }) => session === sessionId && step === 3)
    doomed.child.kill('SIGKILL')
    const seen = await following
    expectEveryEventOnce(seen)
    await expectRepaired(sessionId)
    expect(git.requests.some((url) => url.startsWith('/calc.git'))).toBe(true)
    await platform.scene.expectClean()
  }, 120_000)
})
