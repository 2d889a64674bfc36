import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import type { Changed } from './compare-workspaces.ts'

/** A larger file has no patch, and so has one whose patch would be: whoever wants it reads the file. */
export const MAX_PATCHED_BYTES = 256 * 1024
const MAX_PATCH_BYTES = 256 * 1024
/** Two texts with nothing in common take time that grows with the square of their lines. */
const MAX_MS = 500

const ABSENT = '/dev/null'

/**
 * A unified patch of one file or link, with its modes where they differ, as git writes them. Null for what is binary, too large or another
 * kind of thing. `before`, `after`: a file's bytes, where they were read. Pure.
 */
export const makePatch = ({ path, was, is, before, after }: Changed & { before: Buffer | null; after: Buffer | null }): string | null => {
  if (was !== null && is !== null && was.kind !== is.kind) return null
  const modes = was !== null && is !== null && was.mode !== is.mode ? `old mode ${was.mode}\nnew mode ${is.mode}\n` : ''
  if (was?.content === is?.content) return modes === '' ? null : modes
  const [old, now] = [textOf(was, before), textOf(is, after)]
  if (old === null || now === null) return null
  const options = { context: 3, timeout: MAX_MS, headerOptions: FILE_HEADERS_ONLY }
  const [from, to] = [was === null ? ABSENT : `a/${path}`, is === null ? ABSENT : `b/${path}`]
  const patch = createTwoFilesPatch(from, to, old, now, undefined, undefined, options)
  return patch === undefined || patch.length > MAX_PATCH_BYTES ? null : `${modes}${patch}`
}

/** '' for what is not there; null for what is no text or was not read. */
const textOf = (entry: Changed['was'], bytes: Buffer | null): string | null => {
  if (entry === null) return ''
  if (entry.kind === 'LINK') return entry.content
  if (entry.kind !== 'FILE' || bytes === null || bytes.includes(0)) return null
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null // not text
  }
}
