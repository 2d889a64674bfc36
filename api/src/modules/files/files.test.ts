import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestApi, type TestApi, type TestTenant } from '../../../testing/start-test-api.ts'

let api: TestApi
let tenant: TestTenant
let sessionId: string
beforeAll(async () => {
  api = await startTestApi()
  tenant = await api.tenant()
  const { agentId, environmentId } = tenant
  const resources = [
    { file: { path: '/workspace/src/a.ts', text: 'a' } },
    { file: { path: 'readme.md', text: 'hello' } },
    { file: { path: 'src/deep/b.bin', base64: 'AAE=' } },
  ]
  const made = await api.get<{ createSession: { session: { id: string } } }>(
    tenant.adminKey,
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    {
      input: { agentId, environmentId, prompt: 'p', resources },
    },
  )
  sessionId = made.createSession.session.id
})
afterAll(() => api.stop())

const ask = (fields: string) => api.ask(tenant.adminKey, `query ($id: ID!) { session(id: $id) { ${fields} } }`, { id: sessionId })

test('before there is a sandbox, the resources are what is seen', async () => {
  expect((await ask('files { edges { node { path kind sizeBytes mode } } }')).data).toEqual({
    session: {
      files: {
        edges: [
          { node: { path: '/workspace/readme.md', kind: 'FILE', sizeBytes: 5, mode: '0644' } },
          { node: { path: '/workspace/src', kind: 'DIRECTORY', sizeBytes: 0, mode: '0755' } },
        ],
      },
    },
  })
  expect(
    (
      await ask(
        'a: file(path: "/workspace/readme.md") { text base64 sizeBytes truncated } b: file(path: "src/deep/b.bin") { text base64 } c: file(path: "none") { text }',
      )
    ).data,
  ).toEqual({
    session: { a: { text: 'hello', base64: null, sizeBytes: 5, truncated: false }, b: { text: null, base64: 'AAE=' }, c: null },
  })
})

test('a folder is read in pages', async () => {
  const first = await ask('files(path: "/workspace/src", first: 1) { edges { node { path } } pageInfo { hasNextPage endCursor } }')
  const { files } = (first.data as { session: { files: { edges: unknown[]; pageInfo: { hasNextPage: boolean; endCursor: string } } } })
    .session
  expect(files.edges).toEqual([{ node: { path: '/workspace/src/a.ts' } }])
  const second = await ask(
    `files(path: "/workspace/src", first: 1, after: "${files.pageInfo.endCursor}") { edges { node { path } } pageInfo { hasNextPage } }`,
  )
  expect(second.data).toEqual({
    session: { files: { edges: [{ node: { path: '/workspace/src/deep' } }], pageInfo: { hasNextPage: false } } },
  })
})

test.each(['/etc/passwd', '/workspace/../etc', 'a/../../b', 'a\\u0000'])('%s is outside, and refused', async (path) => {
  for (const field of [`files(path: "${path}") { edges { cursor } }`, `file(path: "${path}") { text }`]) {
    expect((await ask(field)).errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'path' })
  }
})

test('a folder that is not there is not found', async () => {
  expect((await ask('files(path: "/workspace/none") { edges { cursor } }')).errors[0]?.extensions).toEqual({ code: 'NOT_FOUND' })
})

test('nobody makes a hundred workers look at once', async () => {
  const { status } = await api.ask(tenant.adminKey, '{ sessions(first: 100) { edges { node { file(path: "a") { text } } } } }')
  expect(status).toBe(400)
})
