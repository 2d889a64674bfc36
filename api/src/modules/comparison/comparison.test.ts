import { takeCheckpoint } from '@longhaul/core/testing/take-checkpoint.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATOR_KEY, startTestApi, type TestApi, type TestTenant } from '../../../testing/start-test-api.ts'

let api: TestApi
let tenant: TestTenant

beforeAll(async () => {
  api = await startTestApi()
  tenant = await api.tenant()
})
afterAll(() => api?.stop())

const createSession = async (of: TestTenant, conditions: string[] = []): Promise<string> => {
  const made = await api.get<{ createSession: { session: { id: string } } }>(
    of.adminKey,
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    {
      input: {
        agentId: of.agentId,
        environmentId: of.environmentId,
        prompt: 'Begin.',
        doneConditions: conditions.map((name) => ({ name, spec: { command: { run: 'true' } } })),
      },
    },
  )
  return made.createSession.session.id
}
const checkpointOf = (of: TestTenant, sessionId: string) => takeCheckpoint(api.database.db, { tenantId: of.tenantId, sessionId })
const fork = async (checkpointId: string): Promise<string> => {
  const { forkSession } = await api.get<{ forkSession: { sessions: { id: string }[] } }>(
    tenant.adminKey,
    'mutation ($input: ForkSessionInput!) { forkSession(input: $input) { sessions { id } } }',
    { input: { checkpointId, forks: [{ prompt: 'On.' }] } },
  )
  return forkSession.sessions[0]?.id ?? ''
}
const COMPARE = `query ($a: ID!, $b: ID!) { compareSessions(a: $a, b: $b) { a { id status usage { costUsd turns } } b { id } commonSeq commonAncestor { id }
  conditions { name a { id status } b { id } } files { edges { node { path } } } } }`
const compare = async (a: string, b: string, key = tenant.adminKey) =>
  (await api.get<{ compareSessions: Record<string, unknown> }>(key, COMPARE, { a, b })).compareSessions

describe('compareSessions', () => {
  it('says where two of one family parted, however far apart they stand', async () => {
    const root = await createSession(tenant)
    const early = await checkpointOf(tenant, root)
    const late = await checkpointOf(tenant, root)
    const [one, other] = [await fork(early.id), await fork(late.id)]
    const deep = await checkpointOf(tenant, other)
    const grandchild = await fork(deep.id)
    const parted = async (a: string, b: string) => {
      const { commonSeq, commonAncestor } = await compare(a, b)
      return [commonSeq, (commonAncestor as { id: string } | null)?.id ?? null]
    }
    expect(await parted(root, one)).toEqual([early.seq, early.id])
    expect(await parted(one, other)).toEqual([early.seq, early.id])
    expect(await parted(grandchild, root)).toEqual([late.seq, late.id])
    expect(await parted(other, grandchild)).toEqual([deep.seq, deep.id])
    expect(await parted(root, await createSession(tenant))).toEqual([0, null])
  })

  it('pairs conditions by name, and shows no difference between files that nobody ever had', async () => {
    const [a, b] = [await createSession(tenant, ['both', 'mine']), await createSession(tenant, ['theirs', 'both'])]
    const compared = await compare(a, b, await api.key(tenant, 'VIEWER'))
    expect(compared).toMatchObject({ a: { id: a, status: 'QUEUED', usage: { turns: 0 } }, b: { id: b }, files: { edges: [] } })
    const pairs = (compared['conditions'] as { name: string; a: object | null; b: object | null }[]).map(({ name, a: left, b: right }) => [
      name,
      left !== null,
      right !== null,
    ])
    expect(pairs).toEqual([
      ['both', true, true],
      ['mine', true, false],
      ['theirs', false, true],
    ])
  })

  it("finds no session of another tenant, on either side, nor does an operator find two tenants' together", async () => {
    const stranger = await api.tenant()
    const [mine, theirs] = [await createSession(tenant), await createSession(stranger)]
    for (const [a, b] of [
      [mine, theirs],
      [theirs, mine],
    ])
      for (const key of [tenant.adminKey, OPERATOR_KEY]) {
        const { errors } = await api.ask(key, COMPARE, { a, b })
        expect(errors[0]?.extensions).toEqual({ code: 'NOT_FOUND' })
      }
    expect(await compare(mine, mine, OPERATOR_KEY)).toMatchObject({ a: { id: mine }, b: { id: mine } })
  })
})

describe('Session.diff', () => {
  it("knows a session's own checkpoints and those it inherits, and no others", async () => {
    const stranger = await api.tenant()
    const root = await createSession(tenant)
    const point = await checkpointOf(tenant, root)
    const child = await fork(point.id)
    const foreign = await checkpointOf(stranger, await createSession(stranger))
    const childs = await checkpointOf(tenant, child)
    const DIFF =
      'query ($id: ID!, $from: ID, $to: ID) { session(id: $id) { diff(fromCheckpointId: $from, toCheckpointId: $to) { edges { node { path } } } } }'
    const diff = (id: string, variables: object) => api.ask(tenant.adminKey, DIFF, { id, ...variables })
    expect((await diff(child, { from: point.id, to: childs.id })).errors).toEqual([])
    for (const id of [foreign.id, childs.id, 'ckp_nonsense', 'no id'])
      for (const side of ['from', 'to']) {
        const { errors } = await diff(root, { [side]: id })
        expect(errors[0]?.extensions).toEqual({ code: 'NOT_FOUND' })
      }
  })
})
