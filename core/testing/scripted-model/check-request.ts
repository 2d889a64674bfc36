/**
 * What the provider refuses before it answers, so that a harness which builds a wrong request finds out here and not in production.
 * Source: the Messages API's reference and its error messages.
 */
import { findModel } from '@longhaul/core/src/budgets/prices.ts'
import { countPromptTokens } from './count-usage.ts'
import type { MessagesRequest, WireBlock } from './script.ts'
import type { WireError } from './wire-errors.ts'

export function checkRequest(request: MessagesRequest, at: Date): WireError | null {
  const model = findModel(request.model, at)
  if (!model) return { status: 404, message: `model: ${request.model}` }
  const refuse = (message: string): WireError => ({ status: 400, message })
  if (!Number.isInteger(request.max_tokens) || request.max_tokens < 1) return refuse('max_tokens: Input should be a valid integer above 0')
  if (request.max_tokens > model.maxOutputTokens) {
    return refuse(
      `max_tokens: ${request.max_tokens} > ${model.maxOutputTokens}, which is the maximum allowed number of output tokens for ${model.name}`,
    )
  }
  if (!Array.isArray(request.messages) || request.messages.length === 0) return refuse('messages: at least one message is required')
  const toolNames = (request.tools ?? []).map((tool) => tool.name)
  if (new Set(toolNames).size < toolNames.length) return refuse('tools: Tool names must be unique.')
  const forced = request.tool_choice?.name
  if (forced !== undefined && !toolNames.includes(forced)) return refuse(`tool_choice: Tool '${forced}' not found in provided tools`)
  const wrong = checkMessages(request)
  if (wrong) return refuse(wrong)
  const tokens = countPromptTokens(request)
  if (tokens > model.contextWindow) return refuse(`prompt is too long: ${tokens} tokens > ${model.contextWindow} maximum`)
  return null
}

type Merged = { role: string; blocks: WireBlock[] }

function checkMessages(request: MessagesRequest): string | null {
  const messages = mergeRoles(request)
  if (messages[0]?.role !== 'user') return 'messages: first message must use the "user" role'
  if (messages.at(-1)?.role !== 'user')
    return 'This model does not support assistant message prefill. The conversation must end with a user message.'
  const seen = new Set<unknown>()
  for (const [index, message] of messages.entries()) {
    const wrong =
      checkBlocks(message) ??
      (message.role === 'assistant' ? checkCalls(message, messages[index + 1], seen) : checkResults(message, messages[index - 1]))
    if (wrong) return `messages.${index}: ${wrong}`
  }
  return null
}

function checkBlocks({ blocks }: Merged): string | null {
  if (blocks.length === 0) return 'all messages must have non-empty content'
  return blocks.some((block) => block.type === 'text' && !block.text) ? 'text content blocks must be non-empty' : null
}

/** Every call of an answer has its result in the next message, before anything else there. */
function checkCalls(answer: Merged, next: Merged | undefined, seen: Set<unknown>): string | null {
  const calls = answer.blocks.filter((block) => block.type === 'tool_use')
  for (const { id, input } of calls) {
    if (seen.has(id)) return '`tool_use` ids must be unique'
    if (typeof input !== 'object' || input === null || Array.isArray(input)) return 'tool_use.input: Input should be a valid dictionary'
    seen.add(id)
  }
  const answered = new Set(next?.blocks.map((block) => block.tool_use_id))
  const missing = calls.filter((call) => !answered.has(call.id)).map((call) => call.id)
  if (missing.length > 0) {
    return `\`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`
  }
  const outOfPlace = next?.blocks.slice(0, calls.length).some((block) => block.type !== 'tool_result')
  return outOfPlace ? '`tool_result` blocks must come first in the next message' : null
}

function checkResults({ blocks }: Merged, before: Merged | undefined): string | null {
  const asked = new Set(before?.blocks.map((block) => block.id))
  const stray = blocks.find((block) => block.type === 'tool_result' && !asked.has(block.tool_use_id))
  if (!stray) return null
  return `unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray.tool_use_id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`
}

/** Neighbours of one role count as one message. */
function mergeRoles(request: MessagesRequest): Merged[] {
  const merged: Merged[] = []
  for (const { role, content } of request.messages) {
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content
    const last = merged.at(-1)
    if (last?.role === role) last.blocks = [...last.blocks, ...blocks]
    else merged.push({ role, blocks })
  }
  return merged
}
