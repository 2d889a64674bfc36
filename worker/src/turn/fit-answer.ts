import type { ContentBlock } from '@longhaul/core/src/events/content.ts'
import { cutText } from '@longhaul/core/src/text.ts'
import type { ModelAnswer } from '../models/model.ts'

/** Of an answer's blocks as JSON: the event around them, and a call's own event, must stay under what a payload may have. */
const MAX_CONTENT_BYTES = 240 * 1024
/** What no tool of ours needs, and no database likes. */
const MAX_INPUT_DEPTH = 64
/** One code unit as JSON has at most so many bytes: \u0000. */
const MAX_UNIT_BYTES = 6

/**
 * An answer that the log can hold. What is too large is cut off, as the output limit would have cut it: a text ends early, a call is never
 * run, and the agent is told. Pure.
 */
export const fitAnswer = (answer: ModelAnswer): ModelAnswer => {
  const content: ContentBlock[] = []
  const broken = new Map(answer.brokenToolCalls.map(({ id, reason }) => [id, reason]))
  let stopReason = answer.stopReason
  let room = MAX_CONTENT_BYTES
  const keep = (block: ContentBlock): boolean => {
    const bytes = Buffer.byteLength(JSON.stringify(block))
    if (bytes > room) return false
    room -= bytes
    content.push(block)
    return true
  }
  for (const whole of answer.content) {
    const block = whole.type === 'tool_use' && isTooDeep(whole.input) ? { ...whole, input: {} } : whole
    if (block !== whole && block.type === 'tool_use') broken.set(block.id, 'invalid_json')
    if (keep(block)) continue
    if (block.type === 'tool_use' && keep({ ...block, input: {} })) broken.set(block.id, 'cut_off')
    else stopReason = 'max_tokens'
    if (block.type === 'text') {
      const text = cutText(block.text, Math.floor(Math.max(0, room - 100) / MAX_UNIT_BYTES))
      if (text !== '') keep({ ...block, text })
    }
  }
  const kept = new Set(content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : [])))
  return {
    ...answer,
    content,
    stopReason,
    brokenToolCalls: [...broken].filter(([id]) => kept.has(id)).map(([id, reason]) => ({ id, reason })),
  }
}

/** Level by level: whatever walks it recursively could run out of stack. */
const isTooDeep = (input: unknown): boolean => {
  let level = [input]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_INPUT_DEPTH) return true
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []))
  }
  return false
}
