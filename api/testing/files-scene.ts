import { createHash } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { startTestApi, type TestApi, type TestTenant } from './start-test-api.ts'

export type Answer = {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
  json: Record<string, unknown>
}
type Sent = { key?: string | null | undefined; headers?: Record<string, string>; body?: Buffer | string }

export type FilesScene = {
  api: TestApi
  tenant: TestTenant
  /** Of the tenant: MEMBER and VIEWER. */
  keys: Record<string, string>
  /** With `docs/<b>.html` and `docs/z.txt`. */
  sessionId: string
  newSession(of?: TestTenant): Promise<string>
  /** With a MEMBER's key, unless another is given. */
  call(method: string, path: string, sent?: Sent): Promise<Answer>
  /** Where a file of the session is asked for. */
  files(path: string, of?: string): string
  storedCount(): Promise<number>
  headOf(of?: string): Promise<number | undefined>
}

/** An api, a tenant with a session of two files, and a client that asks for files as they are addressed. */
export const startFilesScene = async (): Promise<FilesScene> => {
  const api = await startTestApi({ files: { archiveMaxEntries: 50 } })
  const tenant = await api.tenant()
  const keys: Record<string, string> = {}
  for (const role of ['MEMBER', 'VIEWER']) keys[role] = await api.key(tenant, role)

  const newSession = async (of = tenant): Promise<string> => {
    const made = await api.get<{ createSession: { session: { id: string } } }>(
      of.adminKey,
      'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
      {
        input: {
          agentId: of.agentId,
          environmentId: of.environmentId,
          prompt: 'p',
          resources: [{ file: { path: 'docs/<b>.html', text: '0123456789' } }, { file: { path: 'docs/z.txt', text: 'z' } }],
        },
      },
    )
    return made.createSession.session.id
  }
  const sessionId = await newSession()
  return {
    api,
    tenant,
    keys,
    sessionId,
    newSession,
    call: (method, path, { key = keys['MEMBER'], ...sent } = {}) => ask(api.url, { method, path, key, ...sent }),
    files: (path, of = sessionId) => `/sessions/${of}/files/${path}`,
    storedCount: async () => {
      let count = 0
      for await (const _ of api.parts.snapshots.list()) count++
      return count
    },
    headOf: async (of = sessionId) =>
      (await api.database.superuser.query<{ head: number }>('select head from session where id = $1', [of])).rows[0]?.head,
  }
}

/** As the bytes of the path are: other clients tidy it up. */
const ask = (url: string, { method, path, key, headers = {}, body }: Sent & { method: string; path: string }): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const asked = httpRequest(
      { hostname, port, method, path, headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const whole = Buffer.concat(chunks)
          const isJson = String(response.headers['content-type']).startsWith('application/json')
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: whole,
            json: isJson && whole.length > 0 ? JSON.parse(String(whole)) : {},
          })
        })
      },
    )
    asked.on('error', reject)
    // Node would send the body of the others without saying where it ends.
    asked.end(['PUT', 'POST', 'PATCH'].includes(method) ? body : undefined)
  })

export const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')
