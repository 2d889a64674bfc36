import { gzipSync } from 'node:zlib'
import { paxRecord, type RawEntry, rawTar } from '@longhaul/core/testing/raw-tar.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FilesScene, sha256, startFilesScene } from '../../testing/files-scene.ts'

let scene: FilesScene
let api: FilesScene['api']
let tenant: FilesScene['tenant']
let sessionId: FilesScene['sessionId']
let newSession: FilesScene['newSession']
let call: FilesScene['call']
let files: FilesScene['files']
let storedCount: FilesScene['storedCount']
let headOf: FilesScene['headOf']
beforeAll(async () => {
  scene = await startFilesScene()
  ;({ api, tenant, sessionId, newSession, call, files, storedCount, headOf } = scene)
})
afterAll(() => scene?.api.stop())

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
