import { takeCheckpoint } from '@longhaul/core/testing/take-checkpoint.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type TestApi, type TestTenant } from '../../../testing/start-test-api.ts'

let api: TestApi
let tenant: TestTenant
beforeAll(async () => {
  api = await startTestApi()
  tenant = await api.tenant()
})
afterAll(() => api?.stop())

const createSession = async (): Promise<{ id: string; point: { id: string; seq: number } }> => {
  const made = await api.get<{ createSession: { session: { id: string } } }>(
    tenant.adminKey,
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    { input: { agentId: tenant.agentId, environmentId: tenant.environmentId, prompt: 'Begin.' } },
  )
  const { id } = made.createSession.session
  return { id, point: await takeCheckpoint(api.database.db, { tenantId: tenant.tenantId, sessionId: id }) }
}
const REWIND = 'mutation ($input: RewindSessionInput!) { rewindSession(input: $input) { session { id status stopReason head } } }'
const rewind = (input: object, key = tenant.adminKey) => api.ask(key, REWIND, { input })

describe('rewindSession', () => {
  it("takes back the checkpoint's own session, files and conversation unless told otherwise, once for a key", async () => {
    const { id, point } = await createSession()
    const input = { checkpointId: point.id, idempotencyKey: 'once' }
    const { data } = await rewind(input)
    expect(data).toEqual({ rewindSession: { session: { id, status: 'PAUSED', stopReason: 'PAUSED_BY_USER', head: point.seq + 3 } } })
    expect((await rewind(input)).data).toEqual(data)
    expect((await rewind({ ...input, axis: 'FILES' })).errors[0]?.extensions).toMatchObject({ code: 'CONFLICT', status: 'KEY_USED' })
    const { rows } = await api.database.superuser.query(
      "select payload->>'axis' as axis from event where session_id = $1 and type = 'session.rewound'",
      [id],
    )
    expect(rows).toEqual([{ axis: 'BOTH' }])
  })

  it('goes on by a resume or a message', async () => {
    for (const go of ['resumeSession(input: {sessionId: $id})', 'sendMessage(input: {sessionId: $id, text: "On."})']) {
      const { id, point } = await createSession()
      await rewind({ checkpointId: point.id })
      const { errors } = await api.ask(tenant.adminKey, `mutation ($id: ID!) { ${go} { session { status } } }`, { id })
      expect(errors).toEqual([])
      const { session } = await api.get<{ session: object }>(tenant.adminKey, 'query ($id: ID!) { session(id: $id) { status } }', { id })
      expect(session).toEqual({ status: 'QUEUED' })
    }
  })

  it('is refused for one that has ended, says so, and changes nothing', async () => {
    const { id, point } = await createSession()
    await api.get(tenant.adminKey, 'mutation ($id: ID!) { cancelSession(input: {sessionId: $id}) { session { id } } }', { id })
    expect((await rewind({ checkpointId: point.id })).errors[0]?.extensions).toEqual({ code: 'CONFLICT', status: 'CANCELED' })
  })

  it.each([
    ['a checkpoint that never was', { checkpointId: `ckp_${'0'.repeat(26)}` }],
    ['what can be no checkpoint', { checkpointId: 'nonsense' }],
  ])('finds no %s', async (_, input) => {
    expect((await rewind(input)).errors[0]?.extensions).toEqual({ code: 'NOT_FOUND' })
  })

  it('finds no checkpoint of another session for the one that is named', async () => {
    const [one, other] = [await createSession(), await createSession()]
    const { errors } = await rewind({ checkpointId: one.point.id, sessionId: other.id })
    expect(errors[0]?.extensions).toEqual({ code: 'NOT_FOUND' })
  })
})
