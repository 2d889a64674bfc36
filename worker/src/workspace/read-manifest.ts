import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { type Entry, walkArchive } from '@longhaul/core/src/archives/walk-archive.ts'
import type { Manifest, ManifestEntry } from '@longhaul/core/src/conditions/manifest.ts'
import { ArchiveGuard, type ArchiveLimits, WorkspaceArchiveError } from './archive-guard.ts'

/**
 * What an archive of /workspace holds (entries below `workspace/`, as the engine gives them). Contents are hashed as they stream by.
 * Throws WorkspaceArchiveError for an archive that breaks the rules.
 */
export const readManifest = async (tar: Readable, limits?: ArchiveLimits): Promise<Manifest> => {
  const guard = new ArchiveGuard(limits)
  const found = new Map<string, ManifestEntry>()
  await walkArchive(tar, async (entry) => {
    const path = guard.check(entry.header, 1)
    if (path === '') return
    if (found.has(path)) throw new WorkspaceArchiveError(`The archive holds ${JSON.stringify(path)} twice.`)
    found.set(path, await toManifestEntry(path, entry))
  })
  return [...found.values()]
}

const toManifestEntry = async (path: string, entry: Entry): Promise<ManifestEntry> => {
  const { type, linkname, mode = 0, size = 0 } = entry.header
  const common = { path, mode: (mode & 0o7777).toString(8).padStart(4, '0'), sizeBytes: 0, content: '' }
  if (type === 'directory') return { ...common, kind: 'DIRECTORY' }
  // A hard link too: its bytes stand under the other name.
  if (type === 'symlink' || type === 'link') return { ...common, kind: 'LINK', content: linkname ?? '' }
  if (type !== 'file' && type !== 'contiguous-file') return { ...common, kind: 'OTHER' }
  const hash = createHash('sha256')
  for await (const chunk of entry) hash.update(chunk as Buffer)
  return { ...common, kind: 'FILE', sizeBytes: size, content: hash.digest('hex') }
}
