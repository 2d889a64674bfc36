/** From the API's usage to ours: uncached input, both kinds of cache writes, cache reads, output. Pure. */
import type { TokenUsage } from '@longhaul/core/src/budgets/prices.ts'

/** As it came; figures that are missing or null count as zero. */
export type WireUsage = Record<string, unknown>

/** `usage.iterations`, where it stands, lists every sub-call, and is what is billed: the figures above it leave some out. */
export function toTokenUsage(usage: WireUsage): TokenUsage {
  const parts = Array.isArray(usage.iterations) && usage.iterations.length > 0 ? usage.iterations.map(toRecord) : [usage]
  return parts.map(toPart).reduce((sum, part) => ({
    inputTokens: sum.inputTokens + part.inputTokens,
    outputTokens: sum.outputTokens + part.outputTokens,
    cacheReadTokens: sum.cacheReadTokens + part.cacheReadTokens,
    cacheWrite5mTokens: sum.cacheWrite5mTokens + part.cacheWrite5mTokens,
    cacheWrite1hTokens: sum.cacheWrite1hTokens + part.cacheWrite1hTokens,
  }))
}

/** Later figures are cumulative and replace earlier ones; a null leaves what was known. */
export function mergeUsage(before: WireUsage, later: unknown): WireUsage {
  const known = Object.entries(toRecord(later)).filter(([, value]) => value !== null && value !== undefined)
  return { ...before, ...Object.fromEntries(known) }
}

function toPart(usage: WireUsage): TokenUsage {
  const written = toCount(usage.cache_creation_input_tokens)
  // The split by lifetime comes only with the first figures; what it leaves open was written for five minutes.
  const written1h = Math.min(written, toCount(toRecord(usage.cache_creation).ephemeral_1h_input_tokens))
  return {
    inputTokens: toCount(usage.input_tokens),
    outputTokens: toCount(usage.output_tokens),
    cacheReadTokens: toCount(usage.cache_read_input_tokens),
    cacheWrite5mTokens: written - written1h,
    cacheWrite1hTokens: written1h,
  }
}

function toCount(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}

export function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
