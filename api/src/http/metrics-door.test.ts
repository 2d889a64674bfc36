import { registry } from '@longhaul/core/src/metrics/instruments.ts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTestSession } from '../../testing/create-test-session.ts'
import { RawSocket } from '../../testing/raw-socket.ts'
import { startTestApi, type TestApi, type TestTenant } from '../../testing/start-test-api.ts'

let api: TestApi
let tenant: TestTenant
let sessionId: string
beforeAll(async () => {
  api = await startTestApi()
  tenant = await api.tenant()
  sessionId = await createTestSession(api, tenant)
})
afterAll(() => api.stop())

const read = async (name: string): Promise<string | undefined> =>
  (await registry.metrics())
    .split('\n')
    .find((line) => line.startsWith(`${name} `))
    ?.split(' ')[1]
const subscriptions = () => read('longhaul_subscriptions_open')

test('requests are counted by route, and what strangers make up is one', async () => {
  await api.get(tenant.adminKey, '{ viewer { role } }')
  await fetch(`${api.running.url}/healthz`)
  await fetch(`${api.running.url}/wp-login.php?a=1`)
  await fetch(`${api.running.url}/.env`)
  await vi.waitFor(async () => {
    const count = (labels: string) => read(`longhaul_http_request_seconds_count{${labels}}`)
    expect(Number(await count('method="POST",route="/graphql",status="200"'))).toBeGreaterThan(0)
    expect(await count('method="GET",route="/healthz",status="200"')).toBe('1')
    expect(await count('method="GET",route="other",status="404"')).toBe('2')
  })
})

test('the public port knows no /metrics', async () => {
  expect((await fetch(`${api.running.url}/metrics`)).status).toBe(404)
})

test('subscriptions are counted while they are open, however they end', async () => {
  const events = `subscription { sessionEvents(sessionId: "${sessionId}") { __typename } }`
  const socket = await new RawSocket(api.url).signIn(tenant.adminKey)
  socket.say({ id: 'a', type: 'subscribe', payload: { query: events } })
  socket.say({ id: 'b', type: 'subscribe', payload: { query: 'subscription { sessionChanged { id } }' } })
  socket.say({ id: 'c', type: 'subscribe', payload: { query: 'subscription { sessionEvents(sessionId: "ses_no") { __typename } }' } })
  await vi.waitFor(async () => expect(await subscriptions()).toBe('2'))
  socket.say({ id: 'a', type: 'complete' })
  await vi.waitFor(async () => expect(await subscriptions()).toBe('1'))
  socket.socket.terminate()
  await vi.waitFor(async () => expect(await subscriptions()).toBe('0'))
})
