import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { packArchive } from '@longhaul/core/src/archives/pack-archive.ts'
import { digestManifest } from '@longhaul/core/src/conditions/manifest.ts'
import { expect, test } from 'vitest'
import { WorkspaceArchiveError } from './archive-guard.ts'
import { readBaseline, UntouchedBaselines } from './read-baseline.ts'
import { readManifest } from './read-manifest.ts'

const archiveOf = (files: Record<string, string>, reads: string[] = []) => {
  const getArchive = async (): Promise<Readable> => {
    reads.push(Object.keys(files).join(' '))
    return packArchive(async (out) => {
      await out.write({ name: 'workspace', type: 'directory', mode: 0o755 })
      for (const [name, content] of Object.entries(files))
        await out.write({ name: `workspace/${name}`, type: 'file', mode: 0o644 }, Buffer.from(content))
    })
  }
  return {
    getArchive,
    digest: async () => digestManifest(await readManifest(await getArchive())),
    bytes: async () => buffer(await getArchive()),
  }
}

test('one reading gives the bytes and their digest, however many they are', async () => {
  const workspaces: Record<string, string>[] = [{}, { small: 'a' }, { large: 'x'.repeat(3_000_000), small: 'a' }]
  for (const files of workspaces) {
    const archive = archiveOf(files)
    const { digest, tar } = await readBaseline(archive.getArchive)
    expect((await buffer(tar)).equals(await archive.bytes())).toBe(true)
    expect(await digest).toBe(await archive.digest())
  }
})

test('an archive that breaks off is neither bytes nor a digest', async () => {
  const broken = packArchive(async (out) => {
    await out.write({ name: 'workspace/a', type: 'file', mode: 0o644 }, Buffer.from('a'))
    throw new Error('the engine went away')
  })
  const { digest, tar } = await readBaseline(async () => broken)
  await expect(buffer(tar)).rejects.toThrow('the engine went away')
  await expect(digest).rejects.toThrow()
})

test('an archive that breaks the rules has no digest', async () => {
  const twice = async () =>
    packArchive(async (out) => {
      for (let time = 0; time < 2; time++) await out.write({ name: 'workspace/a', type: 'file', mode: 0o644 }, Buffer.from('a'))
    })
  const { digest, tar } = await readBaseline(twice)
  await buffer(tar).catch(() => {})
  await expect(digest).rejects.toThrow(WorkspaceArchiveError)
})

test('what was made from the same is read once, while it is small; what was made from another is read by itself', async () => {
  const reads: string[] = []
  const untouched = new UntouchedBaselines()
  const take = async (madeFrom: string, files: Record<string, string>) => {
    const archive = archiveOf(files, reads)
    const { digest, tar } = await untouched.of(madeFrom, () => readBaseline(archive.getArchive))
    return { bytes: await buffer(tar), digest: await digest }
  }
  const first = await take('image 1', { a: '1' })
  expect(await take('image 1', { a: '1' })).toEqual(first)
  expect(await take('image 2', { b: '2' })).not.toEqual(first)
  const large = { large: 'x'.repeat(100_000) }
  expect(await take('image 3', large)).toEqual(await take('image 3', large))
  expect(reads).toEqual(['a', 'b', 'large', 'large'])
})
