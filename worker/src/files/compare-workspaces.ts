import { walkArchive } from '@longhaul/core/src/archives/walk-archive.ts'
import type { Manifest, ManifestEntry } from '@longhaul/core/src/conditions/manifest.ts'
import type { DiffPage, FileDiff } from '@longhaul/core/src/files/file-look.ts'
import { ArchiveGuard } from '../workspace/archive-guard.ts'
import { readManifest } from '../workspace/read-manifest.ts'
import { MAX_PATCHED_BYTES, makePatch } from './make-patch.ts'
import type { Side } from './open-side.ts'

/** A page ends at 4 MB of answer. */
const MAX_PAGE_BYTES = 3_000_000

/**
 * What must change in one workspace to make it the other. Neither is held in memory: each is read through once for its manifest, and once
 * more, as far as needed, for the contents that this page shows.
 */
export const compareWorkspaces = async (
  { before, after }: { before: Side | null; after: Side | null },
  { after: cursor, first }: DiffPage,
): Promise<{ changes: FileDiff[]; more: boolean }> => {
  if (before?.key != null && before.key === after?.key) return { changes: [], more: false }
  const [was, is] = [await manifestOf(before), await manifestOf(after)]
  const found = findChanges(was, is).filter(({ path }) => cursor === null || toAbsolute(path) > cursor)
  const page = found.slice(0, first)
  const [old, now] = [await readContents(before, page, 'was'), await readContents(after, page, 'is')]
  const changes: FileDiff[] = []
  let bytes = 0
  for (const change of page) {
    const { path } = change
    const patch = makePatch({ ...change, before: old.get(path) ?? null, after: now.get(path) ?? null })
    bytes += Buffer.byteLength(patch ?? '')
    if (bytes > MAX_PAGE_BYTES) break
    changes.push({ path: toAbsolute(path), change: kindOf(change), patch })
  }
  return { changes, more: found.length > changes.length }
}

export type Changed = { path: string; was: ManifestEntry | null; is: ManifestEntry | null }

const toAbsolute = (path: string): string => `/workspace/${path}`
const kindOf = ({ was, is }: Changed): FileDiff['change'] => (was === null ? 'ADDED' : is === null ? 'DELETED' : 'MODIFIED')

/** Sorted by path. A folder that came or went with what lies in it is told by that alone. Pure. */
export const findChanges = (before: Manifest, after: Manifest): Changed[] => {
  const [was, is] = [toMap(before), toMap(after)]
  const [foldersBefore, foldersAfter] = [foldersOf(before), foldersOf(after)]
  const changed = [...new Set([...was.keys(), ...is.keys()])].flatMap((path): Changed[] => {
    const [old, now] = [was.get(path) ?? null, is.get(path) ?? null]
    if (old !== null && now !== null)
      return old.kind === now.kind && old.mode === now.mode && old.content === now.content ? [] : [{ path, was: old, is: now }]
    const implied = now === null ? foldersBefore : foldersAfter
    return (old ?? now)?.kind === 'DIRECTORY' && implied.has(path) ? [] : [{ path, was: old, is: now }]
  })
  return changed.sort((a, b) => (a.path < b.path ? -1 : 1))
}

const toMap = (manifest: Manifest): Map<string, ManifestEntry> => new Map(manifest.map((entry) => [entry.path, entry]))

/** Those that something lies in. */
const foldersOf = (manifest: Manifest): Set<string> => {
  const folders = new Set<string>()
  for (const { path } of manifest)
    for (let at = path.lastIndexOf('/'); at !== -1 && !folders.has(path.slice(0, at)); at = path.lastIndexOf('/', at - 1))
      folders.add(path.slice(0, at))
  return folders
}

/** What never changes is read through once, however many pages are asked for. Small ones only. */
const kept = new Map<string, Manifest>()
const MAX_KEPT = 16
const MAX_KEPT_ENTRIES = 20_000

const manifestOf = async (side: Side | null): Promise<Manifest> => {
  if (side === null) return []
  const known = side.key === null ? undefined : kept.get(side.key)
  if (known !== undefined) return known
  const manifest = await readManifest(await side.open())
  if (side.key !== null && manifest.length <= MAX_KEPT_ENTRIES) {
    if (kept.size >= MAX_KEPT) kept.clear()
    kept.set(side.key, manifest)
  }
  return manifest
}

/** Files that a patch is made of, by path. One that has changed meanwhile is shown as it was found. */
const readContents = async (side: Side | null, page: readonly Changed[], which: 'was' | 'is'): Promise<Map<string, Buffer>> => {
  const wanted = new Set(
    page.flatMap((change) => {
      const [entry, other] = [change[which], change[which === 'was' ? 'is' : 'was']]
      const same = entry?.content === other?.content
      const small = Math.max(entry?.sizeBytes ?? 0, other?.sizeBytes ?? 0) <= MAX_PATCHED_BYTES
      return entry?.kind === 'FILE' && (other === null || other.kind === 'FILE') && small && !same ? [change.path] : []
    }),
  )
  const contents = new Map<string, Buffer>()
  if (side === null || wanted.size === 0) return contents
  const guard = new ArchiveGuard()
  await walkArchive(await side.open(), async (entry) => {
    const path = guard.check(entry.header, 1)
    // Bounded again: the workspace is the agent's, and may have grown since the first reading.
    if (!wanted.has(path) || (entry.header.size ?? 0) > MAX_PATCHED_BYTES) return
    const chunks: Buffer[] = []
    for await (const chunk of entry) chunks.push(chunk as Buffer)
    contents.set(path, Buffer.concat(chunks))
    return contents.size === wanted.size ? 'stop' : undefined
  })
  return contents
}
