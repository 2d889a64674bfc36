import type { Readable } from 'node:stream'
import { packArchive, type TarWriter } from '@longhaul/core/src/archives/pack-archive.ts'
import { type Entry, walkArchive } from '@longhaul/core/src/archives/walk-archive.ts'
import type { Header } from 'tar-stream'
import { ArchiveGuard, WorkspaceArchiveError } from './archive-guard.ts'
import { matchGlob } from './match-glob.ts'

/**
 * The current workspace with everything that a glob fits as it was in the baseline: changes undone, deletions put back, additions left
 * out. Both tars, and the answer, hold entries below `workspace/`. The answer fails with WorkspaceArchiveError where one breaks the rules.
 */
export const restoreProtected = (current: Readable, baseline: Readable, globs: readonly string[]): Readable => {
  const restored = packArchive(async (out) => {
    const folders = await writeProtected(out, baseline, globs)
    await writeOthers(out, current, { globs, folders })
  })
  restored.once('close', () => {
    current.destroy()
    baseline.destroy()
  })
  return restored
}

/**
 * First the baseline's part, each entry after the folders it lies in. Answers these folders: where the agent put something else in the
 * place of one, such as a link, that must not decide where the protected files land.
 */
const writeProtected = async (out: TarWriter, baseline: Readable, globs: readonly string[]): Promise<Set<string>> => {
  const guard = new ArchiveGuard()
  const waiting = new Map<string, Header>()
  const folders = new Set<string>()
  const restored = new Set<string>()
  await walkArchive(baseline, async (entry) => {
    const path = guard.check(entry.header, 1)
    const fits = globs.some((glob) => matchGlob(glob, path))
    if (entry.header.type === 'directory' && !fits) waiting.set(path, entry.header)
    if (path === '' || !fits) return
    for (const folder of parentsOf(path)) {
      const header = waiting.get(folder)
      if (header) await out.write({ ...header, name: `workspace/${folder}` })
      waiting.delete(folder)
      folders.add(folder)
    }
    if (entry.header.type === 'link' && !restored.has(linkTarget(entry.header))) {
      throw new WorkspaceArchiveError(`The protected ${JSON.stringify(path)} is a hard link to a file that is not protected.`)
    }
    restored.add(path)
    await copy(out, path, entry)
  })
  return folders
}

const writeOthers = async (
  out: TarWriter,
  current: Readable,
  { globs, folders }: { globs: readonly string[]; folders: Set<string> },
): Promise<void> => {
  const guard = new ArchiveGuard()
  const written = new Set<string>()
  await walkArchive(current, async (entry) => {
    const path = guard.check(entry.header, 1)
    const { type } = entry.header
    if (path !== '' && globs.some((glob) => matchGlob(glob, path))) return
    if (folders.has(path) && type !== 'directory') return
    // Its bytes stood under a protected name and are gone with it.
    if (type === 'link' && !written.has(linkTarget(entry.header))) return
    written.add(path)
    await copy(out, path, entry)
  })
}

/** `a/b/c` lies in `a` and `a/b`. */
const parentsOf = (path: string): string[] => {
  const names = path.split('/')
  return names.slice(1).map((_name, at) => names.slice(0, at + 1).join('/'))
}

const linkTarget = (header: Header): string => (header.linkname ?? '').split('/').slice(1).join('/')

const copy = (out: TarWriter, path: string, entry: Entry): Promise<void> => out.write({ ...entry.header, name: `workspace/${path}` }, entry)
