import { mkdtemp, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createApiKeySecret } from '@longhaul/core/src/tenants/api-key.ts'
import { getIntrospectionQuery } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OPERATOR_KEY, startTestApi, type TestApi, type TestTenant } from '../testing/start-test-api.ts'
import { LIMITS } from './graphql/limits.ts'

let api: TestApi
let tenant: TestTenant
beforeAll(async () => {
  const webDir = await mkdtemp(path.join(tmpdir(), 'web-'))
  await writeFile(path.join(webDir, 'index.html'), '<title>console</title>')
  await writeFile(path.join(webDir, 'app.js'), 'export {}')
  api = await startTestApi({ webDir })
  tenant = await api.tenant()
})
afterAll(() => api.stop())

const post = (body: string, headers: Record<string, string> = {}) =>
  fetch(api.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tenant.adminKey}`, ...headers },
    body,
  })
const codeOf = async (response: Response) =>
  ((await response.json()) as { errors: { extensions: { code: string; field?: string } }[] }).errors[0]?.extensions

describe('who asks', () => {
  test.each([
    ['no key', {}],
    ['a key of another form', { authorization: 'Bearer sesame' }],
    ['a key that was never made', { authorization: `Bearer ${createApiKeySecret().secret}` }],
    ['no scheme', { authorization: 'Basic abc' }],
    ['a header of a megabyte less', { authorization: `Bearer ${'x'.repeat(5_000)}` }],
  ])('%s gets UNAUTHENTICATED, and nothing about why', async (_, headers) => {
    const response = await fetch(api.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(headers as Record<string, string>) },
      body: JSON.stringify({ query: '{ viewr { role } }' }),
    })
    expect(response.status).toBe(401)
    const text = await response.text()
    expect(JSON.parse(text)).toEqual({
      errors: [{ message: 'An API key is needed: Authorization: Bearer <key>.', extensions: { code: 'UNAUTHENTICATED' } }],
    })
  })

  test('introspection is for who may call', async () => {
    const query = getIntrospectionQuery()
    expect((await api.ask(null, query)).status).toBe(401)
    expect((await api.ask(tenant.adminKey, query)).data).toHaveProperty('__schema.types')
  })

  test('each sees who it is', async () => {
    expect(await api.get(OPERATOR_KEY, '{ viewer { role tenant { id } apiKey { id } } }')).toEqual({
      viewer: { role: 'OPERATOR', tenant: null, apiKey: null },
    })
    expect(await api.get(tenant.adminKey, '{ viewer { role tenant { id slug } apiKey { role prefix } } }')).toMatchObject({
      viewer: { role: 'ADMIN', tenant: { id: tenant.tenantId }, apiKey: { role: 'ADMIN' } },
    })
  })
})

describe('what is asked', () => {
  const nested = (depth: number) =>
    `{ sessions { edges { node { ${'agent { latest { '.repeat(depth)} id ${'} }'.repeat(depth)} } } } }`.replaceAll(
      'latest { agent',
      'latest { agent',
    )
  const many = (count: number, text: (index: number) => string) => Array.from({ length: count }, (_, index) => text(index)).join(' ')

  test.each([
    ['depth', nested(10)],
    ['aliases', `{ ${many(51, (i) => `a${i}: viewer { role }`)} }`],
    ['directives', `{ viewer { role ${many(51, () => '@include(if: true)')} } }`],
    ['fields', `{ viewer { ${many(601, () => 'role')} } }`],
    ['tokens', `{ viewer { ${many(5_000, () => 'role')} } }`],
    ['text', `{ viewer { role } } #${'x'.repeat(100_001)}`],
    ['cost', '{ sessions(first: 200) { edges { node { events(first: 200) { edges { node { seq } } } } } } }'],
    [
      'cost',
      '{ sessions(first: 200) { edges { node { ...A } } } } fragment A on Session { ...B ...C } fragment B on Session { events(first: 200) { edges { cursor } } } fragment C on Session { ...B }',
    ],
    ['itself', 'fragment A on Viewer { ...B } fragment B on Viewer { ...A } { viewer { ...A } }'],
    ['batch', '[]'],
  ])('too much %s is refused', async (_, query) => {
    const body = query === '[]' ? JSON.stringify([{ query: '{ viewer { role } }' }]) : JSON.stringify({ query })
    const response = await post(body)
    expect(response.status).toBe(400)
    expect(await codeOf(response)).toMatchObject({ code: 'BAD_USER_INPUT', field: expect.any(String), reason: expect.any(String) })
  })

  test("a list's cost follows its variables, also when the document is known", async () => {
    const query = 'query ($n: Int) { sessions(first: $n) { edges { node { events(first: 200) { edges { node { seq } } } } } } }'
    expect((await api.ask(tenant.adminKey, query, { n: 10 })).status).toBe(200)
    expect((await api.ask(tenant.adminKey, query, { n: 200 })).status).toBe(400)
  })

  test.each([
    ['text/plain', JSON.stringify({ query: '{ viewer { role } }' })],
    ['application/x-www-form-urlencoded', 'query={viewer{role}}'],
    ['multipart/form-data; boundary=x', '--x--'],
  ])('%s is no way to ask', async (type, body) => {
    const response = await post(body, { 'content-type': type })
    expect(response.status).toBe(400)
    expect(await codeOf(response)).toMatchObject({ code: 'BAD_USER_INPUT', field: 'body' })
  })

  test.each([
    '',
    '{',
    'null',
    '5',
    '{"query":5}',
    '{"query":"{viewer{role}}","variables":[]}',
    '{"query":"{viewer{role}}","operationName":"Other"}',
    '{"query":"{"}',
    '{"query":"{ nothing }"}',
    '{"__proto__":{"query":"{viewer{role}}"}}',
  ])('the body %j is refused', async (body) => {
    const response = await post(body)
    expect(response.status).toBe(400)
    expect(await codeOf(response)).toMatchObject({ code: 'BAD_USER_INPUT' })
  })

  test('a body over the limit is not read', async () => {
    const response = await post(JSON.stringify({ query: '{ viewer { role } }', variables: { x: 'x'.repeat(LIMITS.bodyBytes) } }))
    expect(await codeOf(response)).toMatchObject({ code: 'BAD_USER_INPUT', field: 'body' })
  })

  test('a GET changes nothing and reads nothing', async () => {
    const response = await fetch(`${api.url}?query={viewer{role}}`, { headers: { authorization: `Bearer ${tenant.adminKey}` } })
    expect(response.status).toBe(405)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('no other page may ask', async () => {
    const response = await post(JSON.stringify({ query: '{ viewer { role } }' }), { origin: 'https://evil.example' })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    const preflight = await fetch(api.url, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    })
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
    expect(preflight.ok).toBe(false)
  })

  test('a subscription is not served here', async () => {
    const { status, errors } = await api.ask(tenant.adminKey, 'subscription { sessionChanged { id } }')
    expect(status).toBe(400)
    expect(errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' })
  })
})

describe('the other doors', () => {
  const base = () => api.running.url
  test('health and readiness', async () => {
    expect((await fetch(`${base()}/healthz`)).status).toBe(200)
    expect((await fetch(`${base()}/readyz`)).status).toBe(200)
  })

  test('the console is served, its own paths too, with a strict policy', async () => {
    for (const where of ['/', '/sessions/ses_1', '/index.html']) {
      const response = await fetch(`${base()}${where}`, { headers: { accept: 'text/html' } })
      expect(response.status).toBe(200)
      expect(await response.text()).toContain('console')
      expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self'/)
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    }
    expect((await fetch(`${base()}/app.js`)).headers.get('content-type')).toContain('javascript')
    expect((await fetch(`${base()}/missing.js`)).status).toBe(404)
  })

  test.each(['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/%00'])('%s leads nowhere', async (where) => {
    const { host, port } = new URL(base())
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), host.split(':')[0] as string, () =>
        socket.write(`GET ${where} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
      )
      let text = ''
      socket.on('data', (data) => {
        text += data
      })
      socket.on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1.1 (404|400|403)/)
  })
})
