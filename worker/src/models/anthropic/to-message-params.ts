/** From our request to the Messages API's. Pure, so that the same context always gives the same bytes: the prompt cache lives on that. */
import type Anthropic from '@anthropic-ai/sdk'
import type { ContextMessage } from '@longhaul/core/src/events/content.ts'
import type { ModelRequest, ToolDefinition } from '../model.ts'

const CACHED = { cache_control: { type: 'ephemeral' } } as const

/** `region` pins where the call is computed: elsewhere it has another price. */
export function toMessageParams(request: ModelRequest, region: string | null): Anthropic.MessageCreateParamsStreaming {
  return {
    model: request.model,
    max_tokens: request.maxTokens,
    stream: true,
    service_tier: 'standard_only',
    ...(region === null ? {} : { inference_geo: region }),
    ...(request.sessionId ? { metadata: { user_id: request.sessionId } } : {}),
    ...toInstructions(request),
    ...(request.forceTool ? { tool_choice: { type: 'tool', name: request.forceTool } } : {}),
    messages: toMessages(request.messages),
  }
}

/** One mark covers tools and system together: the cache reads them in this order. */
function toInstructions({ system, tools }: ModelRequest): Pick<Anthropic.MessageCreateParams, 'system' | 'tools'> {
  const marked = system
    ? tools.map(toTool)
    : tools.map((tool, index) => ({ ...toTool(tool), ...(index === tools.length - 1 ? CACHED : {}) }))
  return {
    ...(tools.length > 0 ? { tools: marked } : {}),
    ...(system ? { system: [{ type: 'text', text: system, ...CACHED }] } : {}),
  }
}

function toTool({ name, description, inputSchema }: ToolDefinition): Anthropic.Tool {
  return { name, description, input_schema: inputSchema as Anthropic.Tool.InputSchema }
}

/**
 * Marks the end of the newest user message, which writes the cache, and of the one before, which finds what the last call wrote:
 * from a mark the provider looks back over 20 blocks only, and one round of parallel calls can be longer.
 */
function toMessages(messages: ContextMessage[]): Anthropic.MessageParam[] {
  const users = messages.flatMap(({ role }, index) => (role === 'user' ? [index] : []))
  const marked = new Set(users.slice(-2))
  return messages.map(({ role, content }, index) => {
    const blocks = content as Anthropic.ContentBlockParam[]
    const last = blocks.length - 1
    return { role, content: marked.has(index) ? blocks.map((block, at) => (at === last ? { ...block, ...CACHED } : block)) : blocks }
  })
}
