import { packArchive } from '@longhaul/core/src/archives/pack-archive.ts'
import type { ManifestEntry } from '@longhaul/core/src/conditions/manifest.ts'
import { describe, expect, it } from 'vitest'
import { compareWorkspaces, findChanges } from './compare-workspaces.ts'
import { MAX_PATCHED_BYTES } from './make-patch.ts'
import type { Side } from './open-side.ts'

type Thing = { name: string; content?: string | Buffer; mode?: number; linkname?: string; type?: 'directory' | 'symlink' }
const PAGE = { after: null, first: 100 }

let opened = 0
const sideOf = (things: Thing[], key: string | null = null): Side => ({
  key,
  open: async () => {
    opened++
    return packArchive(async (out) => {
      await out.write({ name: 'workspace', type: 'directory' })
      for (const { name, content = '', type, ...rest } of things)
        await out.write({ name: `workspace/${name}`, mode: 0o644, type: type ?? 'file', ...rest }, type ? undefined : Buffer.from(content))
    })
  },
})
const compare = async (before: Thing[], after: Thing[], page = PAGE) => {
  const { changes, more } = await compareWorkspaces({ before: sideOf(before), after: sideOf(after) }, page)
  return { changes: changes.map(({ path, ...change }) => ({ path: path.slice('/workspace/'.length), ...change })), more }
}

describe('what differs between two workspaces', () => {
  it('is content, mode and kind, of files and links; the same is not told', async () => {
    const before: Thing[] = [
      { name: 'same', content: 'x\n' },
      { name: 'mode', content: '#!\n' },
      { name: 'text', content: 'a\nb\nc\n' },
      { name: 'link', type: 'symlink', linkname: 'same' },
      { name: 'kind', content: 'x' },
      { name: 'gone', content: 'no end of line' },
    ]
    const after: Thing[] = [
      { name: 'same', content: 'x\n' },
      { name: 'mode', content: '#!\n', mode: 0o755 },
      { name: 'text', content: 'a\nB\nc\n', mode: 0o600 },
      { name: 'link', type: 'symlink', linkname: 'text' },
      { name: 'kind', type: 'symlink', linkname: 'same' },
    ]
    expect((await compare(before, after)).changes).toEqual([
      {
        path: 'gone',
        change: 'DELETED',
        patch: '--- a/gone\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-no end of line\n\\ No newline at end of file\n',
      },
      { path: 'kind', change: 'MODIFIED', patch: null },
      {
        path: 'link',
        change: 'MODIFIED',
        patch: '--- a/link\n+++ b/link\n@@ -1,1 +1,1 @@\n-same\n\\ No newline at end of file\n+text\n\\ No newline at end of file\n',
      },
      { path: 'mode', change: 'MODIFIED', patch: 'old mode 0644\nnew mode 0755\n' },
      {
        path: 'text',
        change: 'MODIFIED',
        patch: 'old mode 0644\nnew mode 0600\n--- a/text\n+++ b/text\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n',
      },
    ])
  })

  it('names a folder only where nothing that lies in it says as much', async () => {
    const folder = (name: string, mode = 0o755): Thing => ({ name, type: 'directory', mode })
    const { changes } = await compare(
      [folder('old'), { name: 'old/a', content: '1' }, folder('was-empty'), folder('stays')],
      [folder('new'), folder('new/deep'), { name: 'new/deep/b', content: '1' }, folder('is-empty'), folder('stays', 0o700)],
    )
    expect(changes.map(({ path, change }) => `${change} ${path}`)).toEqual([
      'ADDED is-empty',
      'ADDED new/deep/b',
      'DELETED old/a',
      'MODIFIED stays',
      'DELETED was-empty',
    ])
  })

  it('has no patch for what is no text, or too large', async () => {
    const large = 'line\n'.repeat(MAX_PATCHED_BYTES / 5 + 1)
    const { changes } = await compare(
      [{ name: 'large', content: 'small\n' }],
      [
        { name: 'large', content: large },
        { name: 'nul', content: Buffer.from([97, 0, 98]) },
        { name: 'latin', content: Buffer.from([0xe9, 0x0a]) },
        { name: 'empty' },
      ],
    )
    expect(changes).toEqual([
      { path: 'empty', change: 'ADDED', patch: '--- /dev/null\n+++ b/empty\n' },
      { path: 'large', change: 'MODIFIED', patch: null },
      { path: 'latin', change: 'ADDED', patch: null },
      { path: 'nul', change: 'ADDED', patch: null },
    ])
  })

  it('takes no longer for two texts that have nothing in common', async () => {
    const lines = (word: string) =>
      Array.from({ length: 30_000 }, (_, index) => `${word}${index}`)
        .join('\n')
        .slice(0, MAX_PATCHED_BYTES)
    const began = performance.now()
    const { changes } = await compare([{ name: 'a', content: lines('x') }], [{ name: 'a', content: lines('y') }])
    expect(changes).toMatchObject([{ path: 'a', change: 'MODIFIED' }])
    expect(performance.now() - began).toBeLessThan(5_000)
  })

  it('comes in pages, by path; one that grows too large ends early', async () => {
    const names = ['a', 'b', 'c', 'd']
    const first = await compare(
      [],
      names.map((name) => ({ name, content: name })),
      { after: null, first: 2 },
    )
    expect([first.changes.map(({ path }) => path), first.more]).toEqual([['a', 'b'], true])
    const second = await compare(
      [],
      names.map((name) => ({ name, content: name })),
      { after: '/workspace/b', first: 2 } as never,
    )
    expect([second.changes.map(({ path }) => path), second.more]).toEqual([['c', 'd'], false])
    const text = 'word\n'.repeat(40_000)
    const many = Array.from({ length: 30 }, (_, index) => ({ name: `f${String(index).padStart(2, '0')}`, content: text }))
    const cut = await compare([], many)
    expect(cut.more).toBe(true)
    expect(cut.changes.length).toBeLessThan(30)
    expect(cut.changes.every(({ patch }) => patch !== null)).toBe(true)
  })

  it('reads what never changes through once for its manifest, whatever is asked of it', async () => {
    const sides = {
      before: sideOf([{ name: 'a', content: '1' }], 'one'),
      after: sideOf([{ name: 'a', type: 'symlink', linkname: 'b' }], 'two'),
    }
    opened = 0
    for (let page = 0; page < 3; page++) await compareWorkspaces(sides, PAGE)
    expect(opened).toBe(2)
    expect(await compareWorkspaces({ before: sides.before, after: sides.before }, PAGE)).toEqual({ changes: [], more: false })
  })

  it('is nothing for two that are the same, in whatever order they are listed', () => {
    const entry = (path: string): ManifestEntry => ({ path, kind: 'FILE', mode: '0644', sizeBytes: 1, content: path })
    expect(findChanges([entry('a'), entry('b')], [entry('b'), entry('a')])).toEqual([])
  })
})
