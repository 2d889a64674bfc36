import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type FilesScene, startFilesScene } from '../../testing/files-scene.ts'
import { OPERATOR_KEY, type TestTenant } from '../../testing/start-test-api.ts'

let scene: FilesScene
let api: FilesScene['api']
let tenant: FilesScene['tenant']
let keys: FilesScene['keys']
let sessionId: FilesScene['sessionId']
let newSession: FilesScene['newSession']
let call: FilesScene['call']
let files: FilesScene['files']
let headOf: FilesScene['headOf']
let stranger: TestTenant
const NOBODYS = `ses_${'0'.repeat(26)}`
beforeAll(async () => {
  scene = await startFilesScene()
  ;({ api, tenant, keys, sessionId, newSession, call, files, headOf } = scene)
  stranger = await api.tenant()
})
afterAll(() => scene?.api.stop())

describe('a path', () => {
  it.each([
    '../x',
    '..%2fx',
    '%2e%2e/x',
    '%2E%2e/%2e%2e/etc/passwd',
    'a/../../x',
    'a/%2e%2e/x',
    'a%2fb',
    'a%00b',
    'a%0ab',
    '%ff',
    '%zz',
    'a//b',
    '.',
    'a/./b',
    'n'.repeat(256),
    'abc/'.repeat(300),
    '%ed%a0%80',
    'a?archive=zip',
    'a?archive=tar&archive=tar',
    'a?mode=777',
  ])('%s is refused', async (path) => {
    const [got, put] = [await call('GET', files(path)), await call('PUT', files(path), { body: 'x' })]
    for (const { status, json } of [got, put]) expect([status, json['code']]).toEqual([422, 'BAD_USER_INPUT'])
  })
})

describe('who may', () => {
  const TUS = {
    'tus-resumable': '1.0.0',
    'upload-length': '1',
    'upload-metadata': 'path eA==',
    'upload-offset': '0',
    'content-type': 'application/offset+octet-stream',
  }
  const doors = (of: string, upload: string): [string, string][] => [
    ['GET', files('docs/z.txt', of)],
    ['GET', files('?archive=tar', of)],
    ['HEAD', files('docs/z.txt', of)],
    ['GET', files(`docs/z.txt?checkpoint=ckp_${'0'.repeat(26)}`, of)],
    ['PUT', files('x', of)],
    ['PUT', files('x?archive=tar', of)],
    ['POST', `/sessions/${of}/uploads`],
    ['HEAD', `/sessions/${of}/uploads/${upload}`],
    ['PATCH', `/sessions/${of}/uploads/${upload}`],
    ['DELETE', `/sessions/${of}/uploads/${upload}`],
  ]
  const anonymous = ({ status, body }: Answer) => [status, String(body).replace(/[a-z]{3}_[0-9a-z]{26}/g, '<id>')]

  it("a stranger is told of another's session and upload what it is told of none, at every door", async () => {
    const open = await call('POST', `/sessions/${sessionId}/uploads`, { headers: TUS })
    const upload = String(open.headers['location']).split('/').at(-1) ?? ''
    const [real, none] = [doors(sessionId, upload), doors(NOBODYS, `upl_${'0'.repeat(26)}`)]
    const before = await headOf()
    for (const role of ['ADMIN', 'MEMBER', 'VIEWER']) {
      const key = role === 'ADMIN' ? stranger.adminKey : await api.key(stranger, role)
      for (const [at, [method, path]] of real.entries()) {
        const answers = [
          await call(method, path, { key, headers: TUS, body: 'x' }),
          await call(method, none[at]?.[1] ?? '', { key, headers: TUS, body: 'x' }),
        ]
        expect(answers.map(anonymous)[0], `${method} ${path}`).toEqual(answers.map(anonymous)[1])
        expect([403, 404]).toContain(answers[0]?.status)
      }
    }
    expect(await headOf()).toBe(before)
    // Its own session's address does not open another's upload.
    const own = await newSession()
    expect((await call('HEAD', `/sessions/${own}/uploads/${upload}`, { headers: TUS })).status).toBe(404)
    await call('DELETE', `/sessions/${sessionId}/uploads/${upload}`, { headers: TUS })
  })

  it('nobody without a key, a viewer and an operator to read alone, and a revoked key not any more', async () => {
    for (const [method, path] of doors(sessionId, `upl_${'0'.repeat(26)}`)) {
      expect(await call(method, path, { key: null, headers: TUS, body: 'x' }), `${method} ${path}`).toMatchObject({
        status: 401,
        ...(method === 'HEAD' ? {} : { json: { code: 'UNAUTHENTICATED' } }),
      })
      if (method === 'GET' || path.includes('/files/')) continue
      expect((await call(method, path, { key: keys['VIEWER'], headers: TUS, body: 'x' })).status, `${method} ${path}`).toBe(403)
    }
    for (const key of [keys['VIEWER'], OPERATOR_KEY]) expect((await call('PUT', files('x'), { key, body: 'x' })).status).toBe(403)
    const secret = await api.key(tenant, 'MEMBER')
    expect((await call('GET', files('docs/z.txt'), { key: secret })).status).toBe(200)
    await api.database.superuser.query(
      'update api_key set revoked_at = now() where tenant_id = $1 and id = (select max(id) from api_key where tenant_id = $1)',
      [tenant.tenantId],
    )
    api.parts.keyring.forget()
    expect((await call('GET', files('docs/z.txt'), { key: secret })).status).toBe(401)
  })

  it('a suspended tenant reads and puts nothing in', async () => {
    await api.database.superuser.query("update tenant set status = 'SUSPENDED' where id = $1", [tenant.tenantId])
    try {
      expect((await call('GET', files('docs/z.txt'))).status).toBe(200)
      expect(await call('PUT', files('x'), { body: 'x' })).toMatchObject({ status: 403, json: { code: 'FORBIDDEN' } })
      expect((await call('POST', `/sessions/${sessionId}/uploads`, { headers: TUS })).status).toBe(403)
    } finally {
      await api.database.superuser.query("update tenant set status = 'ACTIVE' where id = $1", [tenant.tenantId])
    }
  })

  it('another method is told which there are, and no other origin anything', async () => {
    expect(await call('POST', files('x'), { body: 'x' })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD, PUT' } })
    const { headers } = await call('OPTIONS', files('x'), {
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'PUT' },
    })
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

describe('bodies on their way', () => {
  /** One that has begun and does not go on, until it is let go. */
  const hold = (path: string) => {
    const { hostname, port } = new URL(api.url)
    const headers = { authorization: `Bearer ${keys['MEMBER']}`, 'content-length': '2' }
    const asked = httpRequest({ hostname, port, method: 'PUT', path, headers })
    asked.write('a')
    const answered = new Promise<number>((resolve, reject) => {
      asked.on('response', (response) => resolve(response.resume().statusCode ?? 0))
      asked.on('error', reject)
    })
    return { answered, end: () => asked.end('b') }
  }

  it('above what one tenant may have at once are refused with 429, uploads and downloads together, and no other tenant with them', async () => {
    const held = Array.from({ length: 9 }, (_, at) => hold(files(`held-${at}`)))
    expect(await Promise.race(held.map(({ answered }) => answered))).toBe(429)
    const refused = await call('GET', files('docs/z.txt'))
    expect(refused).toMatchObject({ status: 429, json: { code: 'RATE_LIMITED' }, headers: { 'retry-after': expect.any(String) } })
    const others = files('docs/z.txt', await newSession(stranger))
    expect((await call('GET', others, { key: stranger.adminKey })).status).toBe(200)
    for (const { end } of held) end()
    const answers = await Promise.all(held.map(({ answered }) => answered))
    expect(answers.toSorted()).toEqual([...Array(8).fill(201), 429])
    expect((await call('GET', files('docs/z.txt'))).status).toBe(200)
  })
})
