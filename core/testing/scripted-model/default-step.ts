/** What is said where no script says anything: a short text, or the least that fits the schema of a tool that is forced. */
import type { MessagesRequest, Step } from './script.ts'

type Schema = {
  type?: string
  enum?: unknown[]
  properties?: Record<string, Schema>
  required?: string[]
  minItems?: number
  items?: Schema
}

export function toDefaultStep(request: MessagesRequest): Step {
  const forced = request.tools?.find((tool) => tool.name === request.tool_choice?.name)
  if (forced) return { toolCalls: [{ name: forced.name, input: toLeast((forced.input_schema ?? {}) as Schema) }] }
  return { text: 'I have nothing more to do here.' }
}

/** Booleans are false: a judge that nobody scripted satisfies nothing. */
function toLeast(schema: Schema): unknown {
  if (schema.enum) return schema.enum[0]
  switch (schema.type) {
    case 'object': {
      const required = (schema.required ?? []).map((name) => [name, toLeast(schema.properties?.[name] ?? {})])
      return Object.fromEntries(required)
    }
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => toLeast(schema.items ?? {}))
    case 'boolean':
      return false
    case 'integer':
    case 'number':
      return 0
    default:
      return 'scripted'
  }
}
