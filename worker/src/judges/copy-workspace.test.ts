import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { packWorkspace } from '../../testing/pack-workspace.ts'
import { copyWorkspace, WorkspaceTooLargeError } from './copy-workspace.ts'

const never = new AbortController().signal
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'longhaul-copies-'))
  vi.stubEnv('TMPDIR', folder)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

describe('a copy of the workspace', () => {
  it('can be read more than once and at the same time, and has the digest of its manifest', async () => {
    const tar = await buffer(packWorkspace({ 'a.txt': 'one', 'b/c.txt': 'two'.repeat(100_000) }))
    const copy = await copyWorkspace(Readable.from([tar]), { maxBytes: 2 ** 20, signal: never })
    const both = await Promise.all([buffer(copy.open()), buffer(copy.open())])
    expect(both.every((bytes) => bytes.equals(tar))).toBe(true)
    expect(String(await copy.readFile('a.txt', 10))).toBe('one')
    await expect(copy.readFile('b/c.txt', 10)).rejects.toThrow('larger')
    expect(copy.manifest.filter(({ kind }) => kind === 'FILE').map(({ path }) => path)).toEqual(['a.txt', 'b/c.txt'])
    const again = await copyWorkspace(packWorkspace({ 'b/c.txt': 'two'.repeat(100_000), 'a.txt': 'one' }), {
      maxBytes: 2 ** 20,
      signal: never,
    })
    expect(again.digest).toBe(copy.digest)
    await Promise.all([copy.close(), again.close()])
  })

  it('leaves no file behind, even before it is closed', async () => {
    const copy = await copyWorkspace(packWorkspace({ a: 'b' }), { maxBytes: 1_000_000, signal: never })
    expect(await readdir(folder)).toEqual([])
    await copy.close()
  })

  it('stops at what the environment allows', async () => {
    const tar = packWorkspace({ big: 'x'.repeat(200_000) })
    await expect(copyWorkspace(tar, { maxBytes: 100_000, signal: never })).rejects.toThrow(WorkspaceTooLargeError)
    expect(tar.destroyed).toBe(true)
  })

  it('stops when it is interrupted, while the engine says nothing', async () => {
    const abort = new AbortController()
    const silent = new Readable({ read() {} })
    const copied = copyWorkspace(silent, { maxBytes: 100, signal: abort.signal })
    abort.abort(new Error('a person interrupted'))
    await expect(copied).rejects.toThrow('a person interrupted')
    expect(silent.destroyed).toBe(true)
  })
})
