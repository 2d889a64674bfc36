import { randomUUID } from 'node:crypto'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { answerOnce } from '@longhaul/core/src/tenants/answer-once.ts'
import { createApiKey } from '@longhaul/core/src/tenants/create-api-key.ts'
import { createTestDatabase } from '@longhaul/core/testing/database.ts'
import type { Bench } from '../figure.ts'
import { interleave } from '../interleave.ts'
import { median, percentile } from '../percentile.ts'
import { openApiClient } from '../platform/api-client.ts'
import { type ClaimedSession, claimSessions } from '../platform/claimed-sessions.ts'
import { openCore } from '../platform/open-core.ts'
import { startApiProcess } from '../platform/start-api-process.ts'
import { compareThroughput } from '../throughput.ts'

const SEND = 'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { event { id seq } session { id status head } } }'

/** `sendMessage` to running sessions, whole, through the api's HTTP door; beside it the same operation in core with no door at all. */
export const benchSendMessage: Bench = async ({ smoke }) => {
  const clients = smoke ? 4 : 64
  const test = await createTestDatabase()
  const core = openCore(test)
  const api = await startApiProcess(test)
  const sessions = await claimSessions(test, clients)
  const { tenantId } = sessions[0]!
  const { secret, keyId } = await createApiKey(test.db, { tenantId, name: 'bench', role: 'MEMBER', expiresAt: null }, async () => {})
  const client = openApiClient({ url: api.url, key: secret, sockets: clients })
  const throughApi = (session: ClaimedSession) => client.mutate(SEND, toInput(session))
  const throughCore = async (session: ClaimedSession) => {
    const { idempotencyKey: key, ...input } = toInput(session)
    await answerOnce<{ sessionId: string; seq: number }>(test.db, { scope: tenantId, mutation: 'sendMessage', key, input }, (_, kept) =>
      sendMessage(
        core,
        { tenantId, keyId },
        { ...input, mode: 'QUEUE' },
        kept === null ? null : { ...kept, answer: { sessionId: input.sessionId } },
      ),
    )
  }
  try {
    const samples = await interleave(
      { api: () => throughApi(sessions[0]!), core: () => throughCore(sessions[0]!) },
      smoke ? { rounds: 1, perRound: 2, warmUp: 1 } : { rounds: 40, perRound: 25, warmUp: 200 },
    )
    const runs = await compareThroughput(
      { api: (at) => throughApi(sessions[at]!), core: (at) => throughCore(sessions[at]!) },
      smoke ? { clients, rounds: 1, durationMs: 100 } : { clients, rounds: 4, durationMs: 3_000 },
    )
    return [
      {
        what: 'sendMessage over HTTP, one client, p50',
        measured: median(samples.api),
        unit: 'ms',
        yardstick: { what: 'in core, no door', value: median(samples.core) },
        target: { of: 'measured', atMost: 5 },
      },
      {
        what: 'sendMessage over HTTP, one client, p95',
        measured: percentile(samples.api, 95),
        unit: 'ms',
        yardstick: { what: 'in core, no door', value: percentile(samples.core, 95) },
      },
      {
        what: `sendMessage over HTTP, ${clients} clients`,
        measured: median(runs.api),
        unit: '/s',
        yardstick: { what: 'in core, no door', value: median(runs.core) },
        target: { of: 'measured', atLeast: 1_000 },
      },
    ]
  } finally {
    client.close()
    await api.stop()
    await core.close()
    await test.close()
  }
}

const toInput = ({ sessionId }: ClaimedSession) => ({ sessionId, text: 'And what about this one?', idempotencyKey: randomUUID() })
