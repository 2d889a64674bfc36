import { request as httpRequest } from 'node:http'
import { rawTar } from '@longhaul/core/testing/raw-tar.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FilesScene, startFilesScene } from '../../testing/files-scene.ts'

let scene: FilesScene
let api: FilesScene['api']
let keys: FilesScene['keys']
let sessionId: FilesScene['sessionId']
let call: FilesScene['call']
let files: FilesScene['files']
let headOf: FilesScene['headOf']
beforeAll(async () => {
  scene = await startFilesScene()
  ;({ api, keys, sessionId, call, files, headOf } = scene)
})
afterAll(() => scene?.api.stop())

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
