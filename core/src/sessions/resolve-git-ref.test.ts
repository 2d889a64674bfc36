import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GitServer, startGitServer } from '../../testing/git-server.ts'
import { isGitRef, parseGitUrl } from './git-url.ts'
import { type GitAccess, parseAdvertisement, resolveGitRef } from './resolve-git-ref.ts'

describe('resolveGitRef', () => {
  let server: GitServer
  let commits: { head: string; side: string }
  let access: GitAccess
  const url = (path = '/project.git', host = 'git.test') => `https://${host}:${server.port}${path}`
  const resolve = (ref: string | null, rest: Partial<GitAccess> = {}, path?: string) =>
    resolveGitRef({ url: url(path), ref }, { ...access, ...rest })

  beforeAll(async () => {
    server = await startGitServer(['git.test', '127.0.0.1'])
    commits = await server.addRepository('project', { 'a.txt': 'a' })
    access = { allowedPrivateHosts: ['git.test'], caFile: server.caFile, lookup: async () => [{ address: '127.0.0.1', family: 4 }] }
  })
  afterAll(() => server.stop())

  test('the default branch, a branch, an annotated tag and full names are found', async () => {
    expect(await resolve(null)).toEqual({ ok: true, commit: commits.head })
    expect(await resolve('side')).toEqual({ ok: true, commit: commits.side })
    expect(await resolve('v1')).toEqual({ ok: true, commit: commits.head })
    expect(await resolve('refs/heads/side')).toEqual({ ok: true, commit: commits.side })
  })

  test('a full commit is taken as it is, and nobody is asked', async () => {
    const asked = server.requests.length
    expect(await resolve('0'.repeat(40))).toEqual({ ok: true, commit: '0'.repeat(40) })
    expect(server.requests.length).toBe(asked)
  })

  test('what does not exist is said so', async () => {
    expect(await resolve('nowhere')).toMatchObject({ ok: false, reason: 'REF_NOT_FOUND' })
    expect(await resolve(null, {}, '/none.git')).toMatchObject({ ok: false, reason: 'NOT_A_REPOSITORY' })
  })

  test('a private host that is not named is refused before anything is sent', async () => {
    const asked = server.requests.length
    expect(await resolve(null, { allowedPrivateHosts: [] })).toMatchObject({ ok: false, reason: 'ADDRESS_REFUSED' })
    expect(server.requests.length).toBe(asked)
  })

  test('the name is resolved once, and the address that was checked is the one connected to', async () => {
    let lookups = 0
    const rebinding = async () => [{ address: lookups++ === 0 ? '127.0.0.1' : '192.0.2.1', family: 4 }]
    expect(await resolve(null, { lookup: rebinding })).toMatchObject({ ok: true })
    expect(lookups).toBe(1)
  })

  test('a certificate of an unknown authority is refused', async () => {
    expect(await resolve(null, { caFile: null })).toMatchObject({ ok: false, reason: 'UNREACHABLE' })
  })

  test('a redirect is not followed', async () => {
    server.intercept.set('/moved.git/info/refs', (_request, response) =>
      response.writeHead(302, { location: '/project.git/info/refs?service=git-upload-pack' }).end(),
    )
    expect(await resolve(null, {}, '/moved.git')).toMatchObject({
      ok: false,
      reason: 'NOT_A_REPOSITORY',
      message: expect.stringContaining('redirect'),
    })
  })

  test('answers that are endless, slow or nonsense end in bounded time and memory', async () => {
    const headers = { 'content-type': 'application/x-git-upload-pack-advertisement' }
    server.intercept.set('/endless.git/info/refs', (_request, response) => {
      response.writeHead(200, headers)
      const more = () => response.write('x'.repeat(65_536)) && setImmediate(more)
      response.on('drain', more).on('error', () => {})
      more()
    })
    server.intercept.set('/silent.git/info/refs', () => {})
    server.intercept.set('/nonsense.git/info/refs', (_request, response) => response.writeHead(200, headers).end('zzzz'))
    server.intercept.set('/page.git/info/refs', (_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    )
    expect(await resolve(null, {}, '/endless.git')).toMatchObject({ ok: false, reason: 'NOT_A_REPOSITORY' })
    expect(await resolve(null, { timeoutMs: 300 }, '/silent.git')).toMatchObject({ ok: false, reason: 'UNREACHABLE' })
    expect(await resolve(null, {}, '/nonsense.git')).toMatchObject({ ok: false, reason: 'NOT_A_REPOSITORY' })
    expect(await resolve(null, {}, '/page.git')).toMatchObject({ ok: false, reason: 'NOT_A_REPOSITORY' })
  })
})

test.each([
  'http://a.example/x',
  'https://user:pass@a.example/x',
  'https://a.example/x?y',
  'https://a.example/x#y',
  'ssh://git@a.example/x',
  'git@a.example:x',
  'file:///etc',
  '--upload-pack=x',
  'https://a.example/\nx',
  'ext::sh -c x',
  '',
])('%j is no git address', (text) => {
  expect(parseGitUrl(text)).toBeNull()
})

test.each(['-x', '--exec', 'a..b', 'a b', 'a\nb', 'a~1', 'x.lock', '/x', 'x/', '@{1}', ''])('%j is no ref', (ref) => {
  expect(isGitRef(ref)).toBe(false)
})

test('an advertisement that lies about its lengths is refused', () => {
  expect(parseAdvertisement(Buffer.from('0002'))).toBeNull()
  expect(parseAdvertisement(Buffer.from('ffffabc'))).toBeNull()
})
