import { z } from 'zod'
import { optional } from '../../graphql/parse-input.ts'

const MAX_METADATA_BYTES = 64 * 1024
const reason = `a JSON object of at most ${MAX_METADATA_BYTES} bytes`

/** Whatever the caller wants to find again; the platform does not read it. */
export const metadata = optional(
  z.custom<Record<string, unknown>>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Buffer.byteLength(JSON.stringify(value)) <= MAX_METADATA_BYTES,
    { error: reason },
  ),
)
