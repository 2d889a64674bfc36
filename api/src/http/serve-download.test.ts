import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FilesScene, sha256, startFilesScene } from '../../testing/files-scene.ts'
import { OPERATOR_KEY } from '../../testing/start-test-api.ts'

let scene: FilesScene
let keys: FilesScene['keys']
let call: FilesScene['call']
let files: FilesScene['files']
beforeAll(async () => {
  scene = await startFilesScene()
  ;({ keys, call, files } = scene)
})
afterAll(() => scene?.api.stop())

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
