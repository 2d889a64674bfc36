/**
 * Puts an answer together from its stream, one event at a time. The SDK's own accumulation gives `{}` for tool input that is broken or
 * cut off, takes a half call for a whole one, and loses usage; this one keeps the raw input and says what is wrong with it.
 */
import type { TokenUsage } from '@longhaul/core/src/budgets/prices.ts'
import type { ContentBlock, StopReasonOfModel } from '@longhaul/core/src/events/content.ts'
import type { ModelAnswer, ModelDelta } from '../model.ts'
import { mergeUsage, toRecord, toTokenUsage, type WireUsage } from './to-token-usage.ts'

/** The stream is not what the protocol says. */
export class MalformedStream extends Error {}

/** The stream ended in good order, but before the answer did: what it cost in the end is not known. */
export class UnfinishedStream extends Error {}

type OpenBlock =
  | { type: 'text' | 'thinking'; text: string; signature: string }
  | { type: 'redacted_thinking'; data: string }
  | { type: 'tool_use'; id: string; name: string; text: string }
  /** A kind we never ask for; it is left out of the answer. */
  | { type: 'other' }

const STOP_REASONS = new Set([
  'end_turn',
  'tool_use',
  'max_tokens',
  'stop_sequence',
  'refusal',
  'pause_turn',
  'model_context_window_exceeded',
])

/** Added to the bytes that came, for what was on its way when a stream broke off. */
const UNSEEN_OUTPUT_TOKENS = 1_000

export class AnswerAccumulator {
  #blocks: OpenBlock[] = []
  #model = ''
  #usage: WireUsage | null = null
  #stopReason: string | null = null
  #outputReported = false
  #takenIds: Set<string>
  /** UTF-8 bytes of content so far. */
  receivedBytes = 0
  /** `message_stop` came: the answer is whole. */
  stopped = false

  /** `takenIds`: tool call ids that stand in the context already, which no new call may have. */
  constructor(takenIds: Iterable<string> = []) {
    this.#takenIds = new Set(takenIds)
  }

  /** `message_start` came, and with it the input's exact size. */
  get started(): boolean {
    return this.#usage !== null
  }

  /** Takes an event's parsed data; unknown kinds are passed over, as the API's versioning policy asks. */
  take(event: unknown): ModelDelta | null {
    const { type, index, message, content_block, delta, usage } = toRecord(event)
    switch (type) {
      case 'message_start':
        this.#start(toRecord(message))
        return null
      case 'content_block_start':
        if (index !== this.#blocks.length) throw new MalformedStream(`block ${String(index)} began out of order`)
        this.#blocks.push(this.#openBlock(toRecord(content_block)))
        return null
      case 'content_block_delta':
        return this.#extend(Number(index), toRecord(delta))
      case 'message_delta': {
        if (!this.#usage) throw new MalformedStream('it ended before it began')
        this.#usage = mergeUsage(this.#usage, usage)
        this.#outputReported ||= typeof toRecord(usage).output_tokens === 'number'
        const reason = toRecord(delta).stop_reason
        if (typeof reason === 'string') this.#stopReason = reason
        return null
      }
      case 'message_stop':
        if (!this.#usage || this.#stopReason === null) throw new MalformedStream('it stopped without a reason')
        this.stopped = true
        return null
      default:
        return null
    }
  }

  /** The whole answer; only after `message_stop`. */
  toAnswer(): ModelAnswer {
    if (!this.stopped) throw new UnfinishedStream('The stream has no message_stop.')
    const brokenToolCalls: ModelAnswer['brokenToolCalls'] = []
    const content: ContentBlock[] = []
    for (const [index, block] of this.#blocks.entries()) {
      if (block.type === 'tool_use') {
        const input = parseInput(block.text)
        // An answer that did not end by itself may have been cut off before its last call's input had begun.
        const cutOff = index === this.#blocks.length - 1 && this.#wasCutOff() && (input === null || block.text === '')
        if (cutOff || input === null) brokenToolCalls.push({ id: block.id, reason: cutOff ? 'cut_off' : 'invalid_json' })
        content.push({ type: 'tool_use', id: block.id, name: block.name, input: input ?? {} })
      } else if (block.type === 'thinking') {
        content.push({ type: 'thinking', thinking: block.text, signature: block.signature })
      } else if (block.type === 'redacted_thinking') {
        content.push({ type: 'redacted_thinking', data: block.data })
      } else if (block.type === 'text' && block.text !== '') {
        // The API refuses empty texts when they come back to it.
        content.push({ type: 'text', text: block.text })
      }
    }
    return { content, stopReason: this.#toStopReason(content), model: this.#model, brokenToolCalls }
  }

  /** Exact once the answer is whole and its output was reported; null otherwise. */
  toExactUsage(): TokenUsage | null {
    return this.#usage && this.stopped && this.#outputReported ? toTokenUsage(this.#usage) : null
  }

  /** Input exact; output as many tokens as bytes came, and what may have been on its way. Null before `message_start`. */
  toEstimatedUsage(maxTokens: number): TokenUsage | null {
    if (!this.#usage) return null
    const reported = toTokenUsage(this.#usage)
    const estimate = Math.min(maxTokens, this.receivedBytes + UNSEEN_OUTPUT_TOKENS)
    return { ...reported, outputTokens: Math.max(reported.outputTokens, estimate) }
  }

  #start(message: Record<string, unknown>): void {
    if (typeof toRecord(message.usage).input_tokens !== 'number') throw new MalformedStream('it began without usage')
    this.#usage = mergeUsage({}, message.usage)
    this.#model = String(message.model ?? '')
  }

  #openBlock(block: Record<string, unknown>): OpenBlock {
    switch (block.type) {
      case 'text':
        return { type: 'text', text: '', signature: '' }
      case 'thinking':
        return { type: 'thinking', text: '', signature: '' }
      case 'redacted_thinking':
        return { type: 'redacted_thinking', data: String(block.data ?? '') }
      case 'tool_use':
        if (typeof block.id !== 'string' || typeof block.name !== 'string') throw new MalformedStream('a tool call has no id or no name')
        return { type: 'tool_use', id: this.#toFreeId(block.id), name: block.name, text: '' }
      default:
        return { type: 'other' }
    }
  }

  #toFreeId(id: string): string {
    let free = id
    for (let number = 2; this.#takenIds.has(free); number++) free = `${id}_${number}`
    this.#takenIds.add(free)
    return free
  }

  #extend(index: number, delta: Record<string, unknown>): ModelDelta | null {
    const block = this.#blocks[index]
    if (!block) throw new MalformedStream(`block ${index} goes on before it began`)
    if (block.type === 'thinking' && delta.type === 'signature_delta') block.signature += String(delta.signature ?? '')
    const piece = toPiece(block, delta)
    if (piece === null || block.type === 'other' || block.type === 'redacted_thinking') return null
    const offset = block.text.length
    block.text += piece
    this.receivedBytes += Buffer.byteLength(piece)
    const kind = block.type === 'text' ? 'TEXT' : block.type === 'thinking' ? 'THINKING' : 'TOOL_INPUT'
    return { block: index, offset, kind, text: piece }
  }

  #wasCutOff(): boolean {
    return this.#stopReason !== 'tool_use' && this.#stopReason !== 'end_turn'
  }

  #toStopReason(content: ContentBlock[]): StopReasonOfModel {
    if (this.#stopReason !== null && STOP_REASONS.has(this.#stopReason)) return this.#stopReason as StopReasonOfModel
    // A reason of later days: what the answer holds says how to go on.
    return content.some((block) => block.type === 'tool_use') ? 'tool_use' : 'end_turn'
  }
}

function toPiece(block: OpenBlock, delta: Record<string, unknown>): string | null {
  const piece =
    block.type === 'text' && delta.type === 'text_delta'
      ? delta.text
      : block.type === 'thinking' && delta.type === 'thinking_delta'
        ? delta.thinking
        : block.type === 'tool_use' && delta.type === 'input_json_delta'
          ? delta.partial_json
          : null
  return typeof piece === 'string' && piece !== '' ? piece : null
}

/** No input at all is the empty object; anything but an object is no input. */
function parseInput(raw: string): Record<string, unknown> | null {
  if (raw === '') return {}
  try {
    const parsed: unknown = JSON.parse(raw)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : null
  } catch {
    // Broken input is an answer about the call, not an error: the caller lists it.
    return null
  }
}
