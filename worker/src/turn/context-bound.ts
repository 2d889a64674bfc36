/**
 * How many input tokens a call can have at most, known before it is made. Source: architecture.md, "Reserving". Pure.
 * A token stands for at least one byte, so bytes bound tokens; what the provider counted exactly needs no bounding.
 */
import type { ContextBlock } from '@longhaul/core/src/events/content.ts'

export type ContextSizes = {
  /** Exact usage of the thread's last settled call, all input kinds and output; null when there is none. */
  lastExact: { tokens: number } | null
  /** UTF-8 bytes of the blocks added since that call's answer. */
  bytesSince: number
  /** UTF-8 bytes of instructions, tools and all blocks. */
  bytesOfEverything: number
  /** Model, instructions or tools are not those of the last settled call, or its context was replaced (compaction, hand-off, rewind). */
  changed: boolean
}

/** What the provider adds around our blocks: roles, separators, its own words about tools. */
const FRAMING_TOKENS = 2_000

export function boundInputTokens({ lastExact, bytesSince, bytesOfEverything, changed }: ContextSizes): number {
  const byBytes = bytesOfEverything + FRAMING_TOKENS
  if (lastExact === null || changed) return byBytes
  // Both bound it; the bytes of everything are the smaller only in short contexts.
  return Math.min(lastExact.tokens + bytesSince + FRAMING_TOKENS, byBytes)
}

/** Bytes of blocks as they go over the wire; escapes only ever add, so it stays a bound. */
export function bytesOfBlocks(blocks: readonly ContextBlock[]): number {
  return blocks.reduce((bytes, block) => bytes + Buffer.byteLength(JSON.stringify(block)), 0)
}
