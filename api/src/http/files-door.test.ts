import { createHash } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import { paxRecord, type RawEntry, rawTar } from '@longhaul/core/testing/raw-tar.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATOR_KEY, startTestApi, type TestApi, type TestTenant } from '../../testing/start-test-api.ts'

let api: TestApi
let tenant: TestTenant
let stranger: TestTenant
let sessionId: string
const keys: Record<string, string> = {}
const NOBODYS = `ses_${'0'.repeat(26)}`

beforeAll(async () => {
  api = await startTestApi({ files: { archiveMaxEntries: 50 } })
  tenant = await api.tenant()
  stranger = await api.tenant()
  for (const role of ['MEMBER', 'VIEWER']) keys[role] = await api.key(tenant, role)
  sessionId = await newSession()
})
afterAll(() => api.stop())

const newSession = async (): Promise<string> => {
  const made = await api.get<{ createSession: { session: { id: string } } }>(
    tenant.adminKey,
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    {
      input: {
        agentId: tenant.agentId,
        environmentId: tenant.environmentId,
        prompt: 'p',
        resources: [{ file: { path: 'docs/<b>.html', text: '0123456789' } }, { file: { path: 'docs/z.txt', text: 'z' } }],
      },
    },
  )
  return made.createSession.session.id
}

type Answer = { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer; json: Record<string, unknown> }

/** As the bytes of the path are: other clients tidy it up. */
const call = (
  method: string,
  path: string,
  {
    key = keys['MEMBER'],
    headers = {},
    body,
  }: { key?: string | null | undefined; headers?: Record<string, string>; body?: Buffer | string } = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(api.url)
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
const files = (path: string, of = sessionId) => `/sessions/${of}/files/${path}`
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')
const storedCount = async () => {
  let count = 0
  for await (const _ of api.parts.snapshots.list()) count++
  return count
}
const headOf = async (of = sessionId) =>
  (await api.database.superuser.query<{ head: number }>('select head from session where id = $1', [of])).rows[0]?.head

describe('a download', () => {
  it('is the bytes of a file, with what keeps a browser from running them', async () => {
    const { status, headers, body } = await call('GET', files('docs/%3Cb%3E.html'), { key: keys['VIEWER'] })
    expect([status, String(body)]).toEqual([200, '0123456789'])
    expect(headers).toMatchObject({
      'content-length': '10',
      'content-type': 'application/octet-stream',
      'content-disposition': "attachment; filename*=UTF-8''%3Cb%3E.html",
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      etag: `"${sha256('0123456789')}"`,
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-cache',
    })
    expect(headers['access-control-allow-origin']).toBeUndefined()
    expect((await call('GET', files('docs/z.txt'), { key: OPERATOR_KEY })).status).toBe(200)
  })

  it.each([
    ['bytes=3-', 206, '3456789', 'bytes 3-9/10'],
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=-4', 206, '6789', 'bytes 6-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    ['bytes=0-1,3-4', 200, '0123456789', undefined],
    ['bytes=4-2', 200, '0123456789', undefined],
    ['lines=1-2', 200, '0123456789', undefined],
  ])('asked for %s is %i %j', async (range, status, text, contentRange) => {
    const answer = await call('GET', files('docs/%3Cb%3E.html'), { headers: { range } })
    expect([answer.status, String(answer.body), answer.headers['content-range']]).toEqual([status, text, contentRange])
  })

  it('goes on where it broke off only while the bytes are the same, and is not sent to who has them', async () => {
    const etag = `"${sha256('0123456789')}"`
    const again = (headers: Record<string, string>) => call('GET', files('docs/%3Cb%3E.html'), { headers })
    expect((await again({ range: 'bytes=5-', 'if-range': etag })).status).toBe(206)
    expect((await again({ range: 'bytes=5-', 'if-range': `"${'0'.repeat(64)}"` })).status).toBe(200)
    expect((await again({ range: 'bytes=5-', 'if-range': 'Sun, 29 Nov 2026 00:00:00 GMT' })).status).toBe(200)
    expect(await again({ 'if-none-match': `"x", W/${etag}` })).toMatchObject({ status: 304, body: Buffer.alloc(0) })
    const head = await call('HEAD', files('docs/%3Cb%3E.html'))
    expect([head.status, head.headers['content-length'], head.headers['etag']]).toEqual([200, '10', etag])
  })

  it('of a folder is a tar, the same one each time', async () => {
    const [one, two] = [await call('GET', files('docs/?archive=tar')), await call('GET', files('docs?archive=tar'))]
    expect(one.headers).toMatchObject({
      'content-type': 'application/x-tar',
      'content-disposition': "attachment; filename*=UTF-8''docs.tar",
    })
    expect(one.headers['etag']).toBe(two.headers['etag'])
    expect(String(one.body)).toContain('docs/z.txt')
    expect((await call('GET', files('?archive=tar.gz'))).headers['content-type']).toBe('application/gzip')
    expect(await call('GET', files('docs'))).toMatchObject({ status: 422, json: { code: 'BAD_USER_INPUT', field: 'archive' } })
    expect(await call('GET', files('none'))).toMatchObject({ status: 404, json: { code: 'NOT_FOUND' } })
  })
})

describe('an upload', () => {
  it('is an event of the session, and can be read again before any sandbox has it', async () => {
    const before = await headOf()
    const answer = await call('PUT', files('data/a%20b.csv'), { body: 'one,two\n' })
    expect([answer.status, answer.json]).toEqual([
      201,
      { seq: (before ?? 0) + 1, path: 'data/a b.csv', kind: 'file', files: 1, sizeBytes: 8, digest: sha256('one,two\n') },
    ])
    const { session } = await api.get<{ session: { events: { edges: { node: object }[] } } }>(
      tenant.adminKey,
      'query ($id: ID!) { session(id: $id) { events(last: 1) { edges { node { seq type payload } } } } }',
      { id: sessionId },
    )
    expect(session.events.edges[0]?.node).toMatchObject({ type: 'user.upload', payload: { path: 'data/a b.csv', sizeBytes: 8 } })
    expect(String((await call('GET', files('data/a%20b.csv'))).body)).toBe('one,two\n')
    const text = await call('PUT', files('b.txt'), { body: 'x', headers: { 'content-type': 'text/plain' } })
    expect(text.status).toBe(201)
  })

  it('of an archive is a folder', async () => {
    const tar = rawTar([{ name: 'x/y.txt', body: 'y' }])
    expect((await call('PUT', files('in?archive=tar'), { body: tar })).json).toMatchObject({
      path: 'in',
      kind: 'folder',
      files: 1,
      sizeBytes: 1,
    })
    expect((await call('PUT', files('?archive=tar.gz'), { body: gzipSync(tar) })).json).toMatchObject({ path: '', kind: 'folder' })
  })

  const HOSTILE: [string, RawEntry[]][] = [
    ['an absolute name', [{ name: '/etc/passwd' }]],
    ['a name that leads up', [{ name: '../x' }]],
    ['a symbolic link out', [{ name: 'l', type: '2', link: '../../etc' }]],
    ['a file through a symbolic link', [{ name: 'l', type: '2', link: 'x' }, { name: 'l/x' }]],
    ['a hard link out', [{ name: 'l', type: '1', link: '../../etc/passwd' }]],
    ['a device', [{ name: 'd', type: '3' }]],
    ['a fifo', [{ name: 'd', type: '6' }]],
    ['the same name twice', [{ name: 'f' }, { name: 'f' }]],
    ['a control character', [{ name: 'a\nb' }]],
    ['a NUL', [{ name: 'p', type: 'x', body: paxRecord('path', 'a\0b') }, { name: 'x' }]],
    ['bytes that are no UTF-8', [{ name: Buffer.from([0xff]) }]],
    ['a size elsewhere', [{ name: 'p', type: 'x', body: paxRecord('size', '9') }, { name: 'x' }]],
    ['a sparse file', [{ name: 's', type: 'S' }]],
  ]
  it.each(HOSTILE)('of an archive with %s leaves nothing behind', async (_, entries) => {
    const [head, stored] = [await headOf(), await storedCount()]
    const { status, json } = await call('PUT', files('in?archive=tar'), { body: rawTar([{ name: 'fine.txt', body: 'x' }, ...entries]) })
    expect([status, json]).toMatchObject([422, { code: 'BAD_USER_INPUT', field: 'body' }])
    expect([await headOf(), await storedCount()]).toEqual([head, stored])
  })

  it('above a limit is 413 and leaves nothing behind', async () => {
    const [head, stored] = [await headOf(), await storedCount()]
    const large = Buffer.alloc(1_000_001)
    const sized = await call('PUT', files('large'), { body: large })
    const chunked = await call('PUT', files('large'), { body: large, headers: { 'transfer-encoding': 'chunked' } })
    for (const answer of [sized, chunked])
      expect(answer).toMatchObject({ status: 413, json: { code: 'BAD_USER_INPUT', field: 'body', reason: 'at most 1000000 bytes' } })
    const many = rawTar(Array.from({ length: 51 }, (_, at) => ({ name: `f${at}` })))
    expect(await call('PUT', files('?archive=tar'), { body: many })).toMatchObject({
      status: 413,
      json: { reason: 'an archive of at most 50 entries' },
    })
    const bomb = gzipSync(rawTar([{ name: 'a', body: Buffer.alloc(20_000_000) }]))
    expect(await call('PUT', files('?archive=tar.gz'), { body: bomb })).toMatchObject({ status: 413 })
    expect([await headOf(), await storedCount()]).toEqual([head, stored])
  })

  it('to a session that is over is refused before its body is read', async () => {
    const over = await newSession()
    await api.get(tenant.adminKey, 'mutation ($id: ID!) { cancelSession(input: {sessionId: $id}) { session { id } } }', { id: over })
    expect(await call('PUT', files('x', over), { body: 'x' })).toMatchObject({
      status: 409,
      json: { code: 'CONFLICT', status: 'CANCELED' },
    })
  })
})

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

describe('an upload in pieces', () => {
  const TUS = { 'tus-resumable': '1.0.0' }
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const begin = async (length: number, metadata = `path ${base64('big/file.bin')}`, more: object = {}) =>
    call('POST', `/sessions/${sessionId}/uploads`, {
      headers: { ...TUS, 'upload-length': String(length), 'upload-metadata': metadata },
      ...more,
    })
  const patch = (location: string, offset: number, body: Buffer | string) =>
    call('PATCH', location, {
      headers: { ...TUS, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
      body,
    })
  const offsetOf = async (location: string) => (await call('HEAD', location, { headers: TUS })).headers['upload-offset']

  it('goes on where it stopped, and happens once with its last piece', async () => {
    const before = await headOf()
    const made = await begin(10)
    expect(made).toMatchObject({ status: 201, headers: { 'tus-resumable': '1.0.0', 'upload-expires': expect.any(String) } })
    const location = String(made.headers['location'])
    expect(location).toMatch(new RegExp(`^/sessions/${sessionId}/uploads/upl_[0-9a-z]{26}$`))
    expect((await patch(location, 0, '01234')).headers['upload-offset']).toBe('5')
    expect(await offsetOf(location)).toBe('5')
    expect(await patch(location, 3, 'x')).toMatchObject({ status: 409, json: { code: 'CONFLICT', status: '5' } })
    expect(await headOf()).toBe(before)
    expect((await patch(location, 5, '56789')).status).toBe(204)
    expect(await headOf()).toBe((before ?? 0) + 1)
    expect(await offsetOf(location)).toBe('10')
    expect((await patch(location, 10, '')).status).toBe(204)
    expect(await headOf()).toBe((before ?? 0) + 1)
    expect(String((await call('GET', files('big/file.bin'))).body)).toBe('0123456789')
  })

  it('keeps what came before the connection broke', async () => {
    const location = String((await begin(1_000)).headers['location'])
    const { hostname, port } = new URL(api.url)
    await new Promise<void>((resolve) => {
      const asked = httpRequest({
        hostname,
        port,
        method: 'PATCH',
        path: location,
        headers: {
          ...TUS,
          authorization: `Bearer ${keys['MEMBER']}`,
          'upload-offset': '0',
          'content-type': 'application/offset+octet-stream',
          'content-length': '1000',
        },
      })
      asked.on('error', () => resolve())
      asked.write(Buffer.alloc(400, 'a'), () => setTimeout(() => asked.destroy(new Error('gone')), 50))
    })
    await expect.poll(() => offsetOf(location)).toBe('400')
    expect((await patch(location, 400, Buffer.alloc(600, 'b'))).status).toBe(204)
    expect(String((await call('GET', files('big/file.bin'))).body)).toBe('a'.repeat(400) + 'b'.repeat(600))
  })

  it('of two who send the same piece takes one', async () => {
    const location = String((await begin(4, `path ${base64('twice')}`)).headers['location'])
    const answers = await Promise.all([patch(location, 0, 'aa'), patch(location, 0, 'bb')])
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 409])
    await call('DELETE', location, { headers: TUS })
  })

  it('that turns out to be a hostile archive is refused and ended', async () => {
    const tar = rawTar([{ name: '../x', body: 'x' }])
    const location = String((await begin(tar.length, `path ${base64('in')},archive ${base64('tar')}`)).headers['location'])
    expect(await patch(location, 0, tar)).toMatchObject({ status: 422, json: { field: 'body' } })
    expect((await call('HEAD', location, { headers: TUS })).status).toBe(404)
  })

  it('can be ended, expires, and is limited in number and size', async () => {
    const location = String((await begin(10)).headers['location'])
    expect((await call('DELETE', location, { headers: TUS })).status).toBe(204)
    expect((await patch(location, 0, 'x')).status).toBe(404)
    const old = String((await begin(10)).headers['location'])
    await api.database.superuser.query("update open_upload set expires_at = now() - interval '1 second' where id = $1", [
      old.split('/').at(-1),
    ])
    expect((await patch(old, 0, 'x')).status).toBe(404)
    expect(await begin(1_000_001)).toMatchObject({ status: 413, json: { field: 'Upload-Length' } })
    const opened = await Promise.all(Array.from({ length: 9 }, () => begin(10)))
    expect(opened.map(({ status }) => status).sort()).toEqual([201, 201, 201, 201, 201, 429, 429, 429, 429])
    expect(opened.find(({ status }) => status === 429)?.headers['retry-after']).toBe('60')
    for (const { headers } of opened) if (headers['location']) await call('DELETE', String(headers['location']), { headers: TUS })
  })

  it.each<[string, number, object]>([
    ['another version', 412, { headers: { 'tus-resumable': '0.2.2', 'upload-length': '1', 'upload-metadata': 'path eA==' } }],
    ['no length', 422, { headers: { ...TUS, 'upload-metadata': 'path eA==' } }],
    ['a negative length', 422, { headers: { ...TUS, 'upload-length': '-1', 'upload-metadata': 'path eA==' } }],
    ['no path', 422, { headers: { ...TUS, 'upload-length': '1' } }],
    [
      'a path that leads up',
      422,
      { headers: { ...TUS, 'upload-length': '1', 'upload-metadata': `path ${Buffer.from('../x').toString('base64')}` } },
    ],
    ['another kind of archive', 422, { headers: { ...TUS, 'upload-length': '1', 'upload-metadata': 'path eA==,archive eA==' } }],
  ])('with %s is %i', async (_, status, options) => {
    expect((await call('POST', `/sessions/${sessionId}/uploads`, options)).status).toBe(status)
  })

  it('says what it can do', async () => {
    expect((await call('OPTIONS', `/sessions/${sessionId}/uploads`)).headers).toMatchObject({
      'tus-version': '1.0.0',
      'tus-extension': 'creation,termination,expiration',
      'tus-max-size': '1000000',
    })
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
