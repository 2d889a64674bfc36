/**
 * The scripted model: a server that speaks the Messages API's wire protocol and says what a script tells it, so that the real SDK
 * runs in every test and in the demo. Owns scripts, faults on demand, and a witness of what it would have billed.
 * It must never import the worker: it stands outside, and knows only what came over the wire.
 *
 * A conversation picks its script with a marker in its text, `[[script:NAME]]`; see select-step.ts.
 */
import { readFileSync } from 'node:fs'

/** One answer of the model. Blocks go out in the order thinking, text, tool calls. */
export type Step = {
  text?: string
  thinking?: string
  toolCalls?: { name: string; input: unknown }[]
  /** By default `tool_use` with tool calls, else `end_turn`. An answer longer than `max_tokens` is cut and says `max_tokens`. */
  stopReason?: string
  /** Before the first event. */
  delayMs?: number
  /** Between pieces of text, thinking and tool input. */
  chunkDelayMs?: number
  /** Code points in a piece; 24 by default. */
  chunkSize?: number
  /** Replaces counted figures, in the API's own names. */
  usage?: Partial<WireUsage>
  /** The first goes with the first attempt at this step of this conversation, and so on; then the step answers as written. */
  faults?: Fault[]
}

export type WireUsage = {
  input_tokens: number
  output_tokens: number
  cache_read_input_tokens: number
  cache_creation_input_tokens: number
  cache_creation: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number }
  /** Where they stand, they are what is billed. */
  iterations?: Omit<WireUsage, 'iterations'>[]
}

export type Fault =
  /** An HTTP status other than 200. `retryAfter` is sent as it is: seconds, or an HTTP date. */
  | { kind: 'status'; status: number; retryAfter?: string; type?: string; message?: string }
  /** 400 with the provider's words for a context over its window. */
  | { kind: 'prompt_too_long' }
  | { kind: 'reset_before_headers' }
  /** The socket is torn down after so many pieces; before `message_start` when negative. */
  | { kind: 'reset_mid_stream'; afterPieces?: number }
  /** HTTP 200, then an `error` event after so many pieces; before `message_start` when negative. */
  | { kind: 'error_event'; type?: string; afterPieces?: number }
  /** Nothing more is sent after so many pieces, until the client leaves; with `pings` only pings are. Headers are held back when negative. */
  | { kind: 'stall'; afterPieces?: number; pings?: boolean }
  /** The stream ends in good order in the middle of the first tool call's input. */
  | { kind: 'cut_tool_input' }
  /** Everything but `message_stop`. */
  | { kind: 'no_message_stop' }
  /** An event whose data is not JSON, after so many pieces. */
  | { kind: 'malformed_event'; afterPieces?: number }
  | { kind: 'invalid_tool_json' }
  /** All tool calls carry the same id, which earlier answers of the conversation carried too. */
  | { kind: 'duplicate_call_ids' }
  /** The first tool call, or one more, names a tool that nobody offered. */
  | { kind: 'unknown_tool' }
  | { kind: 'empty_content' }
  /** Text without end: so many bytes (100 MB by default), in one event when `oneEvent`. */
  | { kind: 'huge_answer'; bytes?: number; oneEvent?: boolean }

export type StepContext = { attempt: number; index: number }
export type StepFunction = (request: MessagesRequest, context: StepContext) => Step
/** After its last step a list answers `end_turn`; a function is asked for every step. */
export type Script = (Step | StepFunction)[] | StepFunction

/** The body of POST /v1/messages, as far as it is looked at. */
export type MessagesRequest = {
  model: string
  max_tokens: number
  stream?: boolean
  system?: string | WireBlock[]
  tools?: { name: string; input_schema?: unknown; cache_control?: unknown }[]
  tool_choice?: { type: string; name?: string }
  messages: { role: string; content: string | WireBlock[] }[]
  metadata?: { user_id?: string }
}
export type WireBlock = { type: string; text?: string; cache_control?: unknown; [key: string]: unknown }

/** Reads `{name: [step, …]}` from a JSON file; refuses what is not that, naming the script. */
export function readScripts(path: string): Record<string, Step[]> {
  const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (!isRecord(parsed)) throw new Error(`${path}: expected an object of scripts by name.`)
  for (const [name, steps] of Object.entries(parsed)) {
    if (!Array.isArray(steps) || !steps.every(isRecord)) throw new Error(`${path}: script "${name}" must be a list of steps.`)
  }
  return parsed as Record<string, Step[]>
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
