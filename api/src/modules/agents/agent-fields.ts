import { MAX_SYSTEM_BYTES } from '@longhaul/core/src/agents/agent-definition.ts'
import { z } from 'zod'
import { label, longText, optional } from '../../graphql/parse-input.ts'

/** The fields of an agent's definition; which models and tools there are, core knows. */
export const model = label(100)
export const judgeModel = optional(label(100))
export const system = optional(longText(MAX_SYSTEM_BYTES))
export const tools = optional(
  z.array(z.object({ name: label(100), permission: z.enum(['ALWAYS_ALLOW', 'DENY']) })).max(100, 'at most 100 grants'),
)
