/**
 * The blocks a conversation is made of, in the log and on the way to a model. Shaped as the Messages API shapes them, so that
 * what a model said goes back to it unchanged (thinking blocks with their signatures).
 */
export type TextBlock = { type: 'text'; text: string }
export type ThinkingBlock = { type: 'thinking'; thinking: string; signature: string }
export type RedactedThinkingBlock = { type: 'redacted_thinking'; data: string }
export type ToolUseBlock = { type: 'tool_use'; id: string; name: string; input: unknown }
export type ToolResultBlock = { type: 'tool_result'; tool_use_id: string; content: string; is_error?: boolean }

export type ContentBlock = TextBlock | ThinkingBlock | RedactedThinkingBlock | ToolUseBlock
export type ContextBlock = ContentBlock | ToolResultBlock
export type ContextMessage = { role: 'user' | 'assistant'; content: ContextBlock[] }

export type StopReasonOfModel =
  | 'end_turn'
  | 'tool_use'
  | 'max_tokens'
  | 'stop_sequence'
  | 'refusal'
  | 'pause_turn'
  | 'model_context_window_exceeded'
