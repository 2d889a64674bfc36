import type { Manifest, ManifestEntry } from '@longhaul/core/src/conditions/manifest.ts'
import { matchGlob } from '../workspace/match-glob.ts'

export type ManifestChange = { path: string; change: 'ADDED' | 'REMOVED' | 'CHANGED'; what: ('kind' | 'mode' | 'content')[] }

/** What differs between two workspaces on the paths that a glob fits, sorted by path. Pure. */
export const compareManifests = (before: Manifest, after: Manifest, globs: readonly string[]): ManifestChange[] => {
  const fits = (entry: ManifestEntry) => globs.some((glob) => matchGlob(glob, entry.path))
  const was = toMap(before.filter(fits))
  const is = toMap(after.filter(fits))
  const paths = [...new Set([...was.keys(), ...is.keys()])].sort()
  return paths.flatMap((path): ManifestChange[] => {
    const [old, now] = [was.get(path), is.get(path)]
    if (old === undefined) return [{ path, change: 'ADDED', what: [] }]
    if (now === undefined) return [{ path, change: 'REMOVED', what: [] }]
    const what = (['kind', 'mode', 'content'] as const).filter((field) => old[field] !== now[field])
    return what.length > 0 ? [{ path, change: 'CHANGED', what }] : []
  })
}

/** One line a change, at most `limit`, then how many more. */
export const describeChanges = (changes: readonly ManifestChange[], limit: number): string => {
  const lines = changes
    .slice(0, limit)
    .map(({ path, change, what }) => `- ${JSON.stringify(path)} ${CHANGE_WORDS[change]}${what.length > 0 ? ` (${what.join(', ')})` : ''}`)
  const more = changes.length - limit
  return more > 0 ? [...lines, `and ${more} more`].join('\n') : lines.join('\n')
}

const CHANGE_WORDS = { ADDED: 'was added', REMOVED: 'was removed', CHANGED: 'was changed' } as const

const toMap = (manifest: Manifest): Map<string, ManifestEntry> => new Map(manifest.map((entry) => [entry.path, entry]))
