import { z } from 'zod'
import { label, longText, optional } from '../../graphql/parse-input.ts'

/** The fields of an environment's definition; which sizes and images are possible, core knows. */
export const environmentFields = {
  image: optional(label(400)),
  cpus: optional(z.number()),
  memoryMb: optional(z.int()),
  diskMb: optional(z.int()),
  network: optional(z.enum(['NONE', 'ALLOWLIST', 'OPEN'])),
  allowedHosts: optional(z.array(label(253)).max(200, 'at most 200 hosts')),
  setupScript: optional(longText(64 * 1024)),
}
