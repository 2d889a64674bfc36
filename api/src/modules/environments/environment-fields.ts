import { z } from 'zod'
import { label, optional } from '../../graphql/parse-input.ts'

/** Refused, not mended: a script with another character in it is another script. */
const isScript = (text: string): boolean =>
  text.trim() !== '' && Buffer.byteLength(text) <= 64 * 1024 && text.isWellFormed() && !text.includes('\0')

/** The fields of an environment's definition; which sizes and images are possible, core knows. */
export const environmentFields = {
  image: optional(label(400)),
  cpus: optional(z.number()),
  memoryMb: optional(z.int()),
  diskMb: optional(z.int()),
  network: optional(z.enum(['NONE', 'ALLOWLIST', 'OPEN'])),
  allowedHosts: optional(z.array(label(253)).max(200, 'at most 200 hosts')),
  setupScript: optional(z.string().refine(isScript, 'a shell script of 1 to 65536 bytes of UTF-8, without NUL')),
  idleSeconds: optional(z.int()),
  keepAwakeSeconds: optional(z.int()),
}
