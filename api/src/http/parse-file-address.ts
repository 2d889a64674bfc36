import { badInput } from '@longhaul/core/src/errors.ts'
import type { ArchiveKind } from '@longhaul/core/src/files/store-upload.ts'
import { findFaultOfNames } from '@longhaul/core/src/files/workspace-name.ts'

export type FileAddress = { names: string[]; archive: ArchiveKind | null; checkpointId: string | null }

/**
 * What a request's target names, from the text as it came: a router decodes a path before it is split, and an encoded slash would then
 * separate. Throws BAD_USER_INPUT for what is no clean path.
 */
export const parseFileAddress = (target: string): FileAddress => {
  const [path = '', query = ''] = split(target, '?')
  const below = path.slice(path.indexOf('/files') + '/files'.length)
  const names = below.split('/').slice(1)
  // A slash at the end says folder; it changes nothing.
  if (names.at(-1) === '') names.pop()
  const decoded = names.map((name) => {
    try {
      return decodeURIComponent(name)
    } catch {
      throw badInput('path', 'percent-encoded UTF-8') // of bytes that are none
    }
  })
  const fault = findFaultOfNames(decoded)
  if (fault !== null) throw badInput('path', `a path below /workspace, ${fault}`)
  return { names: decoded, ...parseQuery(new URLSearchParams(query)) }
}

export const parseArchive = (text: string | null): ArchiveKind | null => {
  if (text === null || text === 'tar' || text === 'tar.gz') return text
  throw badInput('archive', 'tar or tar.gz')
}

const parseQuery = (query: URLSearchParams): Omit<FileAddress, 'names'> => {
  for (const name of query.keys())
    if (name !== 'archive' && name !== 'checkpoint') throw badInput(name.slice(0, 100), 'left out: archive and checkpoint are known')
  if (query.getAll('archive').length > 1 || query.getAll('checkpoint').length > 1) throw badInput('query', 'each name once')
  return { archive: parseArchive(query.get('archive')), checkpointId: query.get('checkpoint') }
}

const split = (text: string, at: string): string[] => {
  const index = text.indexOf(at)
  return index === -1 ? [text] : [text.slice(0, index), text.slice(index + 1)]
}
