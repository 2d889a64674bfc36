import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { paxRecord, type RawEntry, rawTar } from '../../testing/raw-tar.ts'
import { PlatformError, TooLargeError } from '../errors.ts'
import { receiveArchive } from './receive-archive.ts'
import { walkArchive } from './walk-archive.ts'

const LIMITS = { maxBytes: 100_000, maxEntries: 20 }

const receive = async (bytes: Buffer, { gzip = false, prefix = ['in'], limits = LIMITS } = {}) => {
  const { tar, received } = receiveArchive(Readable.from([bytes]), { gzip, prefix, limits })
  const whole = await buffer(tar)
  const entries: string[] = []
  await walkArchive(Readable.from([whole]), async (entry) => {
    const { name, type, linkname, mode } = entry.header
    entries.push(`${type} ${name}${linkname ? ` → ${linkname}` : ''} ${mode?.toString(8)} ${String(await buffer(entry as never))}`.trim())
  })
  return { ...(await received), entries }
}

/** What was said of it, in one line. */
const refusalOf = async (entries: RawEntry[] | Buffer, options?: { gzip?: boolean; limits?: typeof LIMITS }): Promise<string> => {
  const error = await receive(Buffer.isBuffer(entries) ? entries : rawTar(entries), options).catch((thrown: unknown) => thrown)
  if (!(error instanceof PlatformError)) throw new Error(`not refused: ${JSON.stringify(error)}`)
  return `${error instanceof TooLargeError ? 'TOO LARGE ' : ''}${error.message}`
}

describe('an archive from a stranger', () => {
  it('comes out as files, folders and links below the place it was sent to', async () => {
    const sent: RawEntry[] = [
      { name: './', type: '5' },
      { name: './a/b.txt', body: 'one', mode: 0o4755 },
      { name: 'a/', type: '5', mode: 0o500 },
      { name: 'a/up', type: '2', link: '../c' },
      { name: 'c', body: 'two' },
      { name: 'd', type: '1', link: 'c' },
    ]
    const expected = [
      'directory in/ 755',
      'directory in/a/ 755',
      'file in/a/b.txt 755 one',
      'symlink in/a/up → ../c 644',
      'file in/c 644 two',
      'link in/d → in/c 644',
    ]
    expect(await receive(rawTar(sent))).toEqual({ files: 2, sizeBytes: 6, entries: expected })
    expect(await receive(gzipSync(rawTar(sent)), { gzip: true })).toEqual({ files: 2, sizeBytes: 6, entries: expected })
  })

  it('keeps names that need extended headers', async () => {
    const long = `${'n'.repeat(200)}é.txt`
    const { entries } = await receive(
      rawTar([
        { name: 'pax', type: 'x', body: paxRecord('path', `deep/${long}`) },
        { name: 'short', body: 'x' },
      ]),
      { prefix: [] },
    )
    expect(entries).toEqual(['directory deep/ 755', `file deep/${long} 644 x`])
    expect(
      (
        await receive(
          rawTar([
            { name: '././@LongLink', type: 'L', body: `${long}\0` },
            { name: 'short', body: 'x' },
          ]),
        )
      ).entries.at(-1),
    ).toContain(long)
  })

  it.each<[string, RawEntry[]]>([
    ['an absolute name', [{ name: '/etc/passwd', body: 'x' }]],
    ['a name that leads up', [{ name: 'a/../../x', body: 'x' }]],
    [
      'a name that leads up, in an extended header',
      [
        { name: 'p', type: 'x', body: paxRecord('path', '../x') },
        { name: 'x', body: 'x' },
      ],
    ],
    ['a name with a line feed', [{ name: 'a\nb', body: 'x' }]],
    ['a name with a control character', [{ name: 'a\x1b[2Jb', body: 'x' }]],
    [
      'a name with a NUL, in an extended header',
      [
        { name: 'p', type: 'x', body: paxRecord('path', 'a\0b') },
        { name: 'x', body: 'x' },
      ],
    ],
    ['a name that is no UTF-8', [{ name: Buffer.from([0x61, 0xff, 0xfe]), body: 'x' }]],
    [
      'a name that is too long',
      [
        { name: '././@LongLink', type: 'L', body: 'n'.repeat(300) },
        { name: 'x', body: 'x' },
      ],
    ],
    [
      'a path that is too long',
      [
        { name: '././@LongLink', type: 'L', body: 'abc/'.repeat(500) },
        { name: 'x', body: 'x' },
      ],
    ],
    ['a symbolic link to an absolute path', [{ name: 'l', type: '2', link: '/etc' }]],
    ['a symbolic link that leads out', [{ name: 'a/l', type: '2', link: '../../x' }]],
    [
      'a symbolic link that leads out through another one',
      [
        { name: 'a/b/l', type: '2', link: '../..' },
        { name: 'm', type: '2', link: 'a/b/l/..' },
      ],
    ],
    ['a symbolic link to nothing', [{ name: 'l', type: '2' }]],
    ['a hard link to a file outside', [{ name: 'l', type: '1', link: '/etc/passwd' }]],
    ['a hard link that leads up', [{ name: 'l', type: '1', link: '../x' }]],
    [
      'a hard link to a symbolic one',
      [
        { name: 's', type: '2', link: 'x' },
        { name: 'l', type: '1', link: 's' },
      ],
    ],
    [
      'a file below a symbolic link made before',
      [
        { name: 'l', type: '2', link: 'x' },
        { name: 'l/x', body: 'x' },
      ],
    ],
    [
      'a file below a file',
      [
        { name: 'f', body: 'x' },
        { name: 'f/x', body: 'x' },
      ],
    ],
    [
      'the same name twice',
      [
        { name: 'f', body: 'x' },
        { name: './f', body: 'y' },
      ],
    ],
    [
      'a link in the place of a file',
      [
        { name: 'f', body: 'x' },
        { name: 'f', type: '2', link: 'g' },
      ],
    ],
    [
      'a link in the place of a folder',
      [
        { name: 'd/x', body: 'x' },
        { name: 'd', type: '2', link: 'g' },
      ],
    ],
    ['a character device', [{ name: 'd', type: '3' }]],
    ['a block device', [{ name: 'd', type: '4' }]],
    ['a fifo', [{ name: 'd', type: '6' }]],
    ['a thing of an unknown kind', [{ name: 'd', type: 'Z' }]],
    ['a sparse file of GNU tar', [{ name: 'd', type: 'S', body: 'x' }]],
    [
      'a sparse file by extended headers',
      [
        { name: 'p', type: 'x', body: paxRecord('GNU.sparse.major', '1') },
        { name: 'x', body: 'x' },
      ],
    ],
    [
      'a size in an extended header',
      [
        { name: 'p', type: 'x', body: paxRecord('size', '1') },
        { name: 'x', body: 'x'.repeat(600) },
      ],
    ],
    [
      'a size in a header for all',
      [
        { name: 'p', type: 'g', body: paxRecord('size', '1') },
        { name: 'p', type: 'x', body: paxRecord('comment', 'c') },
        { name: 'x', body: 'x'.repeat(600) },
      ],
    ],
    ['a long name that never ends', [{ name: '././@LongLink', type: 'L', size: 8_000_000_000 }]],
  ])('is refused with %s', async (_, entries) => {
    expect(await refusalOf([{ name: 'before.txt', body: 'fine' }, ...entries])).toMatch(/^The archive is /)
  })

  it('is refused when it is broken off, no archive at all, or not packed as it was said to be', async () => {
    const whole = rawTar([{ name: 'a', body: 'x'.repeat(5_000) }])
    for (const bytes of [whole.subarray(0, 2_000), Buffer.alloc(2_000, 'no tar')]) expect(await refusalOf(bytes)).toContain('broken')
    expect(await refusalOf(whole, { gzip: true })).toContain('broken')
    expect(await refusalOf(gzipSync(whole).subarray(0, 40), { gzip: true })).toContain('broken')
    expect(await refusalOf(gzipSync(whole))).toContain('broken')
  })

  it('is refused above its limits: entries, bytes, and what it grows to', async () => {
    const many = Array.from({ length: 21 }, (_, at): RawEntry => ({ name: `f${at}` }))
    expect(await refusalOf(many)).toBe('TOO LARGE body must be an archive of at most 20 entries.')
    expect(await refusalOf([{ name: 'a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u' }])).toContain('at most 20 entries')
    const large = [
      { name: 'a', body: Buffer.alloc(60_000) },
      { name: 'b', body: Buffer.alloc(60_000) },
    ]
    expect(await refusalOf(large)).toContain('TOO LARGE body must be an archive of at most 100000 bytes')
    expect(await refusalOf([{ name: 'a', size: 8_000_000_000 }])).toContain('TOO LARGE')
    expect(await refusalOf(Buffer.alloc(300_000))).toContain('TOO LARGE')
    const bomb = gzipSync(rawTar([{ name: 'a', body: Buffer.alloc(40_000_000) }]))
    expect(bomb.length).toBeLessThan(50_000)
    expect(await refusalOf(bomb, { gzip: true })).toContain('TOO LARGE')
    expect(await refusalOf(bomb, { gzip: true, limits: { maxBytes: 1e9, maxEntries: 20 } })).toContain('at most 300 times its size')
  })
})
