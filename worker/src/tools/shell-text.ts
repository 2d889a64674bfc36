/** One word for a POSIX shell, whatever it holds (but NUL, which no shell can carry). */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Null for what can't be the text of a script or of a path. */
export const textProblem = (name: string, value: unknown, maxBytes: number): string | null => {
  if (typeof value !== 'string') return `${name} must be a string.`
  if (value.includes('\0')) return `${name} must not hold NUL characters.`
  if (Buffer.byteLength(value) > maxBytes) return `${name} must not be over ${maxBytes} bytes.`
  return null
}
