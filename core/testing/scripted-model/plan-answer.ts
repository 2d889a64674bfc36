/** From a step to the events that say it. Pure. */
import { createHash } from 'node:crypto'
import { toBytes, toTokens } from './count-usage.ts'
import type { Fault, MessagesRequest, Step, WireUsage } from './script.ts'

export type AnswerBlock =
  | { type: 'thinking'; body: string; signature: string }
  | { type: 'text'; body: string }
  | { type: 'tool_use'; id: string; name: string; body: string }

export type Answer = {
  id: string
  model: string
  blocks: AnswerBlock[]
  stopReason: string
  usage: WireUsage
  chunkDelayMs: number
  chunkSize: number
}

/** One server-sent event. A piece carries `outputBytes` of the answer; the others only frame it. */
export type Frame = { event: string; data: string; outputBytes: number }

export type PlanInput = { request: MessagesRequest; step: Step; fault: Fault | null; input: Omit<WireUsage, 'output_tokens'>; seed: string }

export function planAnswer({ request, step, fault, input, seed }: PlanInput): Answer {
  const { blocks, cut } = cutAt(toBytes(request.max_tokens), toBlocks(step, fault, seed))
  const outputBytes = blocks.reduce((bytes, block) => bytes + Buffer.byteLength(block.body), 0)
  const calls = blocks.some((block) => block.type === 'tool_use')
  const usage = { ...input, output_tokens: Math.max(1, toTokens(outputBytes)), ...step.usage }
  return {
    id: `msg_${digest(seed)}`,
    model: request.model,
    blocks,
    stopReason: cut ? 'max_tokens' : (step.stopReason ?? (calls ? 'tool_use' : 'end_turn')),
    usage,
    chunkDelayMs: step.chunkDelayMs ?? 0,
    chunkSize: step.chunkSize ?? 24,
  }
}

function toBlocks(step: Step, fault: Fault | null, seed: string): AnswerBlock[] {
  if (fault?.kind === 'empty_content') return []
  const blocks: AnswerBlock[] = []
  if (step.thinking !== undefined) blocks.push({ type: 'thinking', body: step.thinking, signature: digest(`${seed} signature`) })
  if (step.text !== undefined) blocks.push({ type: 'text', body: step.text })
  const calls = (step.toolCalls ?? []).map(({ name, input }) => ({ name, body: JSON.stringify(input) }))
  if (fault?.kind === 'unknown_tool') calls.splice(0, 1, { name: 'no_such_tool', body: calls[0]?.body ?? '{}' })
  for (const [index, { name, body }] of calls.entries()) {
    const id = fault?.kind === 'duplicate_call_ids' ? 'toolu_duplicate' : `toolu_${digest(`${seed} ${index}`)}`
    blocks.push({ type: 'tool_use', id, name, body: fault?.kind === 'invalid_tool_json' ? `${body.slice(0, -1)},` : body })
  }
  return blocks
}

/** Keeps the first bytes of all blocks together, on code points. */
function cutAt(maxBytes: number, blocks: AnswerBlock[]): { blocks: AnswerBlock[]; cut: boolean } {
  let left = maxBytes
  const kept: AnswerBlock[] = []
  for (const block of blocks) {
    const bytes = Buffer.byteLength(block.body)
    if (bytes > left) {
      if (left > 0)
        kept.push({
          ...block,
          body: Buffer.from(block.body)
            .subarray(0, left)
            .toString()
            .replace(/\uFFFD+$/, ''),
        })
      return { blocks: kept, cut: true }
    }
    left -= bytes
    kept.push(block)
  }
  return { blocks: kept, cut: false }
}

export function* toFrames(answer: Answer): Generator<Frame> {
  const { usage } = answer
  const opening = {
    ...toMessage({ ...answer, blocks: [] }),
    stop_reason: null,
    usage: { ...usage, output_tokens: 1, iterations: undefined, service_tier: 'standard' },
  }
  yield frame('message_start', { message: opening })
  yield frame('ping', {})
  for (const [index, block] of answer.blocks.entries()) {
    yield frame('content_block_start', { index, content_block: toEmptyBlock(block) })
    for (const piece of split(block.body, answer.chunkSize)) {
      yield frame('content_block_delta', { index, delta: toDelta(block, piece) }, Buffer.byteLength(piece))
    }
    if (block.type === 'thinking')
      yield frame('content_block_delta', { index, delta: { type: 'signature_delta', signature: block.signature } })
    yield frame('content_block_stop', { index })
  }
  yield frame('message_delta', { delta: { stop_reason: answer.stopReason, stop_sequence: null }, usage })
  yield frame('message_stop', {})
}

/** The answer as one message, as it comes without streaming. */
export function toMessage({ id, model, blocks, stopReason, usage }: Answer): Record<string, unknown> {
  const content = blocks.map((block) => {
    if (block.type === 'tool_use') return { ...toEmptyBlock(block), input: JSON.parse(block.body) as unknown }
    return block.type === 'text'
      ? { type: 'text', text: block.body }
      : { type: 'thinking', thinking: block.body, signature: block.signature }
  })
  return { id, type: 'message', role: 'assistant', model, content, stop_reason: stopReason, stop_sequence: null, usage }
}

function toEmptyBlock(block: AnswerBlock): Record<string, unknown> {
  if (block.type === 'text') return { type: 'text', text: '' }
  if (block.type === 'thinking') return { type: 'thinking', thinking: '', signature: '' }
  return { type: 'tool_use', id: block.id, name: block.name, input: {} }
}

function toDelta({ type }: AnswerBlock, piece: string): Record<string, unknown> {
  if (type === 'text') return { type: 'text_delta', text: piece }
  return type === 'thinking' ? { type: 'thinking_delta', thinking: piece } : { type: 'input_json_delta', partial_json: piece }
}

function frame(event: string, fields: Record<string, unknown>, outputBytes = 0): Frame {
  return { event, data: JSON.stringify({ type: event, ...fields }), outputBytes }
}

function* split(text: string, size: number): Generator<string> {
  const points = Array.from(text)
  for (let at = 0; at < points.length; at += size) yield points.slice(at, at + size).join('')
}

function digest(seed: string): string {
  return createHash('sha256').update(seed).digest('base64url').replace(/[_-]/g, '0').slice(0, 24)
}
