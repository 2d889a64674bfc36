import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { packArchive } from '@longhaul/core/src/archives/pack-archive.ts'
import { digestManifest } from '@longhaul/core/src/conditions/manifest.ts'
import type { Header } from 'tar-stream'
import { describe, expect, test } from 'vitest'
import { readArchiveFile } from './read-archive-file.ts'
import { readManifest } from './read-manifest.ts'
import { restoreProtected } from './restore-protected.ts'

type Item = [name: string, content: string] | (Partial<Header> & { name: string })

const tarOf = (...items: Item[]): Readable =>
  packArchive(async (out) => {
    for (const item of items) {
      if (Array.isArray(item)) await out.write({ name: item[0], type: 'file' }, Buffer.from(item[1]))
      else await out.write(item)
    }
  })
const folder = (name: string): Item => ({ name, type: 'directory' })
const link = (name: string, linkname: string): Item => ({ name, type: 'symlink', linkname })

/** `{path: content}`, with `→target` for links and `/` for folders. */
const read = async (tar: Readable): Promise<Record<string, string>> => {
  const bytes = await buffer(tar)
  const found: Record<string, string> = {}
  for (const { path, kind, content } of await readManifest(Readable.from([bytes]))) {
    if (kind === 'FILE') found[path] = String(await readArchiveFile(Readable.from([bytes]), path, 1_000))
    else found[path] = kind === 'LINK' ? `→${content}` : '/'
  }
  return found
}

describe('readManifest', () => {
  test('says of each path its kind, mode, size and content', async () => {
    const manifest = await readManifest(
      tarOf(folder('workspace'), ['workspace/a.txt', 'hello'], link('workspace/l', '../etc'), {
        name: 'workspace/p',
        type: 'fifo',
        mode: 0o600,
      }),
    )
    expect(manifest).toEqual([
      {
        path: 'a.txt',
        kind: 'FILE',
        mode: '0644',
        sizeBytes: 5,
        content: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
      },
      { path: 'l', kind: 'LINK', mode: '0644', sizeBytes: 0, content: '../etc' },
      { path: 'p', kind: 'OTHER', mode: '0600', sizeBytes: 0, content: '' },
    ])
  })

  test('the digest does not depend on the order of entries, and changes with content, mode and kind', async () => {
    const digestOf = async (...items: Item[]) => digestManifest(await readManifest(tarOf(...items)))
    const plain = await digestOf(['workspace/a', '1'], ['workspace/b', '2'])
    expect(await digestOf(['workspace/b', '2'], ['workspace/a', '1'])).toBe(plain)
    const others = await Promise.all([
      digestOf(['workspace/a', '1'], ['workspace/b', '3']),
      digestOf(['workspace/a', '1'], { name: 'workspace/b', type: 'directory' }),
      digestOf(['workspace/a', '1'], link('workspace/b', '2')),
    ])
    expect(new Set([plain, ...others]).size).toBe(4)
  })

  test.each([
    ['an absolute name', ['/etc/passwd', 'x'] as Item],
    ['a name that leads out', ['workspace/../../etc/passwd', 'x'] as Item],
  ])('refuses %s', async (_what, item) => {
    await expect(readManifest(tarOf(item))).rejects.toThrow(/absolute|leads out/)
  })

  test('refuses what lies below a link, and the same name twice', async () => {
    await expect(readManifest(tarOf(link('workspace/l', '/etc'), ['workspace/l/passwd', 'x']))).rejects.toThrow('below a link')
    await expect(readManifest(tarOf(['workspace/a', '1'], ['workspace/a', '2']))).rejects.toThrow('twice')
  })

  test('refuses more entries or bytes than allowed, without reading to the end', async () => {
    let made = 0
    const endless = packArchive(async (out) => {
      for (;;) await out.write({ name: `workspace/${made++}`, type: 'file' }, Buffer.alloc(10))
    })
    await expect(readManifest(endless, { maxEntries: 1_000, maxBytes: 1e9 })).rejects.toThrow('more than 1000 files')
    expect(made).toBeLessThan(1_100)
    await expect(readManifest(tarOf(['workspace/a', 'x'.repeat(500)]), { maxEntries: 10, maxBytes: 100 })).rejects.toThrow(
      'larger than 100 bytes',
    )
  })

  test('an archive that breaks off is an error, not a shorter workspace', async () => {
    const whole = await buffer(tarOf(['workspace/a', 'x'.repeat(5_000)], ['workspace/b', 'y']))
    await expect(readManifest(Readable.from([whole.subarray(0, 3_000)]))).rejects.toThrow()
  })
})

describe('readArchiveFile', () => {
  test('gives a file by its path, with or without /workspace', async () => {
    expect(String(await readArchiveFile(tarOf(['workspace/a/b', 'yes']), 'a/b', 10))).toBe('yes')
    expect(String(await readArchiveFile(tarOf(['workspace/a/b', 'yes']), '/workspace/a/b', 10))).toBe('yes')
  })

  test('refuses links, files that are too large, and what is not there', async () => {
    await expect(readArchiveFile(tarOf(link('workspace/l', 'a')), 'l', 10)).rejects.toThrow('no regular file')
    await expect(readArchiveFile(tarOf(['workspace/a', 'x'.repeat(11)]), 'a', 10)).rejects.toThrow('larger than')
    await expect(readArchiveFile(tarOf(['workspace/a', 'x']), 'b', 10)).rejects.toThrow('no file')
    await expect(readArchiveFile(tarOf(['workspace/a', 'x']), '../a', 10)).rejects.toThrow('leads out')
  })
})

describe('restoreProtected', () => {
  const baseline = () =>
    tarOf(
      folder('workspace'),
      folder('workspace/tests'),
      ['workspace/tests/a.js', 'old a'],
      ['workspace/tests/b.js', 'old b'],
      ['workspace/lib.js', 'old lib'],
    )

  test('undoes changes and deletions, leaves additions out, and keeps the rest as it is', async () => {
    const current = tarOf(
      folder('workspace'),
      folder('workspace/tests'),
      ['workspace/tests/a.js', 'cheat'],
      ['workspace/tests/new.js', 'cheat'],
      ['workspace/lib.js', 'new lib'],
    )
    expect(await read(restoreProtected(current, baseline(), ['tests/**']))).toEqual({
      tests: '/',
      'tests/a.js': 'old a',
      'tests/b.js': 'old b',
      'lib.js': 'new lib',
    })
  })

  test('a link in the place of a protected folder does not decide where its files land', async () => {
    const current = tarOf(folder('workspace'), folder('workspace/evil'), link('workspace/tests', 'evil'))
    expect(await read(restoreProtected(current, baseline(), ['**/*.js']))).toEqual({
      evil: '/',
      tests: '/',
      'tests/a.js': 'old a',
      'tests/b.js': 'old b',
      'lib.js': 'old lib',
    })
  })

  test('a hard link to a file that was put back or left out does not bring it along', async () => {
    const current = tarOf(folder('workspace'), folder('workspace/tests'), ['workspace/tests/new.js', 'cheat'], {
      name: 'workspace/z',
      type: 'link',
      linkname: 'workspace/tests/new.js',
    })
    expect(await read(restoreProtected(current, baseline(), ['tests/**']))).toEqual({
      tests: '/',
      'tests/a.js': 'old a',
      'tests/b.js': 'old b',
    })
  })

  test('a broken rule in either archive fails the stream', async () => {
    await expect(read(restoreProtected(tarOf(['workspace/../x', '1']), baseline(), ['a']))).rejects.toThrow('leads out')
    await expect(read(restoreProtected(tarOf(['workspace/x', '1']), tarOf(['workspace/../x', '1']), ['a']))).rejects.toThrow('leads out')
  })

  test('large files go through without being held', async () => {
    const large = packArchive((out) => out.write({ name: 'workspace/large', type: 'file', size: 192 * 2 ** 20 }, chunks(192)))
    const before = process.memoryUsage.rss()
    let bytes = 0
    for await (const chunk of restoreProtected(large, baseline(), ['tests'])) bytes += (chunk as Buffer).length
    expect(bytes).toBeGreaterThan(192 * 2 ** 20)
    expect(process.memoryUsage.rss() - before).toBeLessThan(96 * 2 ** 20)
  })
})

const chunks = async function* (count: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < count; at++) yield Buffer.alloc(2 ** 20, at)
}
