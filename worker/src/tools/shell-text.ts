import { z } from 'zod'

/** One word for a POSIX shell, whatever it holds (but NUL, which no shell can carry; `scriptText` keeps it out). */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Text that can stand in a script. Half characters become U+FFFD, as they would in any file. */
export const scriptText = (maxBytes: number) =>
  z
    .string()
    .refine((text) => !text.includes('\0'), 'must not hold NUL characters')
    .refine((text) => Buffer.byteLength(text) <= maxBytes, `must not be over ${maxBytes} bytes`)
    .overwrite((text) => text.toWellFormed())

/** The kernel's own limit on a path. */
export const pathText = () => scriptText(4_096).refine((path) => path !== '', 'must not be empty')

/**
 * A path as a word of a script, always absolute, so that it is never taken for an option. Relative ones start at /workspace; that lies
 * elsewhere in a sandbox without a file system of its own, and $WORKSPACE says where.
 */
export const quotePath = (path: string): string => {
  const inside = toWorkspacePath(path)
  if (inside === null) return quote(path)
  return inside === '' ? '"$WORKSPACE"' : `"$WORKSPACE"/${quote(inside)}`
}

/** Relative to the workspace; null for what is outside. */
export const toWorkspacePath = (path: string): string | null => {
  if (path === '.' || path === '/workspace') return ''
  if (path.startsWith('/workspace/')) return path.slice('/workspace/'.length).replace(/^\/+/, '')
  return path.startsWith('/') ? null : path.replace(/^(\.\/+)+/, '')
}

/** A name as it stands in a sentence: on one line. */
export const showPath = (path: string): string => (/\p{C}/u.test(path) ? JSON.stringify(path) : path)

/** The beginning of a script about one path: `f` is the path, `name` is how the agent named it. */
export const aboutPath = (path: string): string => `f=${quotePath(path)}
name=${quote(showPath(path))}
fail() { printf '%s\\n' "$*"; exit 1; }`

/** A file that can be read, or a sentence about what stands there instead. */
export const requireFile = `[ ! -d "$f" ] || fail "$name is a directory."
[ -e "$f" ] || fail "$name does not exist."
[ -f "$f" ] || fail "$name is not a regular file."
[ -r "$f" ] || fail "$name may not be read."`

/** For awk in the C locale: at most `max` bytes of a text, never half of a UTF-8 character. */
export const awkCut = String.raw`
function cut(text, max) {
  if (length(text) <= max) return text
  while (max > 0 && substr(text, max + 1, 1) >= "\200" && substr(text, max + 1, 1) < "\300") max--
  return substr(text, 1, max)
}`
