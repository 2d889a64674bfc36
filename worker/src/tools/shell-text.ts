/** One word for a POSIX shell, whatever it holds (but NUL, which no shell can carry). */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Null for what can be the text of a script; else what is wrong with it. */
export const textProblem = (name: string, value: unknown, maxBytes: number): string | null => {
  if (typeof value !== 'string') return `${name} must be a string.`
  if (value.includes('\0')) return `${name} must not hold NUL characters.`
  if (Buffer.byteLength(value) > maxBytes) return `${name} must not be over ${maxBytes} bytes.`
  return null
}

/** The kernel's own limit. */
const maxPathBytes = 4_096

export const pathProblem = (name: string, value: unknown): string | null => {
  const problem = textProblem(name, value, maxPathBytes)
  return problem ?? (value === '' ? `${name} must not be empty.` : null)
}

/**
 * A path as a word of a script, always absolute. Relative ones start at /workspace; that lies elsewhere in a sandbox without a file
 * system of its own, and $WORKSPACE says where.
 */
export const quotePath = (path: string): string => {
  if (path === '/workspace' || path === '.') return '"$WORKSPACE"'
  if (path.startsWith('/workspace/')) return `"$WORKSPACE"/${quote(path.slice('/workspace/'.length))}`
  return path.startsWith('/') ? quote(path) : `"$WORKSPACE"/${quote(path)}`
}
