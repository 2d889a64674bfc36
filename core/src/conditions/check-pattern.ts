import { RE2JS } from 're2js'
import { badInput } from '../errors.ts'

const MAX_PATTERN_BYTES = 4 * 1024

/** Tenants' patterns are RE2, which no text can make slow; JavaScript's own are never built from them. Returns the pattern. */
export const checkPattern = (value: unknown, field: string): string => {
  if (
    typeof value !== 'string' ||
    value === '' ||
    Buffer.byteLength(value) > MAX_PATTERN_BYTES ||
    !value.isWellFormed() ||
    value.includes('\0')
  ) {
    throw badInput(field, `a pattern in RE2 syntax of 1 to ${MAX_PATTERN_BYTES} bytes`)
  }
  try {
    RE2JS.compile(value)
  } catch (error) {
    throw badInput(field, `a pattern in RE2 syntax (${error instanceof Error ? error.message : String(error)})`)
  }
  return value
}
