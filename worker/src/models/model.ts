/**
 * What a turn knows of a model: one call, streamed, whose outcome always says what it cost.
 * Owns the shapes that every provider must fill. Never retries: retries are the harness's, and stand in the log.
 */

import type { TokenUsage } from '@longhaul/core/src/budgets/prices.ts'
import type { ContentBlock, ContextMessage, StopReasonOfModel } from '@longhaul/core/src/events/content.ts'

export type ToolDefinition = { name: string; description: string; inputSchema: Record<string, unknown> }

export type ModelRequest = {
  model: string
  /** Cap on output tokens, thinking included; already shrunk to what the budget allows. */
  maxTokens: number
  system: string | null
  tools: ToolDefinition[]
  messages: ContextMessage[]
  /** Forces one tool by name (the judge's verdict); null lets the model choose. */
  forceTool?: string | null
  /** An opaque mark, so that the provider's books can be laid beside ours; never a name or an address. */
  sessionId?: string | null
}

/** `block` counts the blocks as they stream; `offset` is in UTF-16 units from the block's beginning. */
export type ModelDelta = { block: number; offset: number; kind: 'TEXT' | 'THINKING' | 'TOOL_INPUT'; text: string }

/**
 * What a call cost, as well as it can be known. `estimated`: input exact, output = bytes received + 1,000 but no more than `maxTokens`
 * (or the reported count if larger). `none`: the provider refused before it began, or was never reached.
 */
export type Billing =
  | { kind: 'exact'; usage: TokenUsage }
  | { kind: 'estimated'; usage: TokenUsage }
  | { kind: 'none' }
  | { kind: 'unknown' }

export type ModelFailure = {
  /**
   * retryable: 429, 408, 409, 5xx, 529, reset, stall, a stream with no `message_stop`, a malformed stream, an answer without end.
   * rejected: the provider will refuse the same request again (400, 401, 403, 404, 413).
   * interrupted: we aborted it.
   * too_long: the provider says that the context is over its window.
   */
  reason: 'retryable' | 'rejected' | 'interrupted' | 'too_long'
  /** One sentence, no secrets, no stack. */
  message: string
  status: number | null
  type: string | null
  retryAfterMs: number | null
}

export type ModelAnswer = {
  /** Blocks as they came, tool inputs parsed. Duplicate tool call ids are made unique. */
  content: ContentBlock[]
  stopReason: StopReasonOfModel
  model: string
  /** Ids of tool_use blocks whose input was not valid JSON, or was cut off by max_tokens: never to be run. */
  brokenToolCalls: { id: string; reason: 'invalid_json' | 'cut_off' }[]
}

/** `requestId` is the provider's own, null when it gave none. */
export type ModelOutcome =
  | { kind: 'answered'; answer: ModelAnswer; billing: Billing; requestId: string | null }
  | { kind: 'failed'; failure: ModelFailure; billing: Billing; requestId: string | null }

export interface Model {
  /**
   * Makes one streaming call. Resolves in every case a provider can cause; rejects only on our own mistakes.
   * `signal` aborts it: the outcome is then `failed`, `interrupted`, with what is known of its cost.
   */
  call(
    request: ModelRequest,
    options: { signal: AbortSignal; onDelta?: (delta: ModelDelta) => void; onRequestSent?: () => void },
  ): Promise<ModelOutcome>
}
