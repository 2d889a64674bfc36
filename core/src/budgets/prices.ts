/**
 * What a model call costs. The figures are data with dates (prices.json), in whole nano-dollars a token: 1 USD per million tokens
 * is 1,000. Money is bigint nano-dollars everywhere; this file never rounds, because no price has a fraction.
 */
import table from './prices.json' with { type: 'json' }

export type TokenUsage = {
  /** Input neither read from a cache nor written to one. */
  inputTokens: number
  /** Thinking included. */
  outputTokens: number
  cacheReadTokens: number
  cacheWrite5mTokens: number
  cacheWrite1hTokens: number
}

/** Nano-dollars a token, for prompts of up to so many tokens of every input kind together; null: of any size. */
export type PriceTier = {
  upToPromptTokens: number | null
  input: number
  output: number
  cacheWrite5m: number
  cacheWrite1h: number
  cacheRead: number
}

/** A model as it was sold on a day. Tiers ascend in size and in price; the last is open. */
export type PricedModel = {
  name: string
  /** Tokens, output included. */
  contextWindow: number
  maxOutputTokens: number
  /** The inference region these prices hold for, to be named in each request; null where the model knows no regions. */
  region: string | null
  tiers: PriceTier[]
}

export type CallBounds = {
  inputBoundTokens: number
  maxOutputTokens: number
  /** The longest cache entry that the request asks for; ours ask for five minutes. */
  cacheLifetime?: '5m' | '1h'
}

type ModelEntry = Omit<PricedModel, 'name' | 'tiers'> & { prices: { from: string; tiers: PriceTier[] }[] }

export const DEFAULT_WORK_MODEL = 'claude-sonnet-5-5'
export const DEFAULT_JUDGE_MODEL = 'claude-haiku-5-5'

export const NO_USAGE: TokenUsage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 }

const entries = new Map<string, ModelEntry>(Object.entries(table))

export function pricedModelNames(): string[] {
  return [...entries.keys()]
}

export function isPricedModel(model: string): boolean {
  return entries.has(model)
}

/**
 * The model with the prices of that day, or null where none are known. Before its first date a model has its first prices: a clock
 * that is behind must not make a call free.
 */
export function findModel(model: string, at: Date): PricedModel | null {
  const entry = entries.get(model)
  if (!entry) return null
  const { prices, ...limits } = entry
  const inForce = prices.findLast((price) => Date.parse(price.from) <= at.getTime()) ?? prices[0]
  if (!inForce) return null
  return { name: model, ...limits, tiers: inForce.tiers }
}

export function promptTokens(usage: TokenUsage): number {
  return usage.inputTokens + usage.cacheReadTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens
}

/** Nano-dollars of a call that happened. `at` is the time its reservation was made, so that a new price list never meets an old hold. */
export function costNanos(model: string, usage: TokenUsage, at: Date): bigint {
  const price = toTier(model, promptTokens(usage), at)
  return (
    times(usage.inputTokens, price.input) +
    times(usage.outputTokens, price.output) +
    times(usage.cacheReadTokens, price.cacheRead) +
    times(usage.cacheWrite5mTokens, price.cacheWrite5m) +
    times(usage.cacheWrite1hTokens, price.cacheWrite1h)
  )
}

/** Nano-dollars that no call within these bounds can pass: all input at its dearest line, at the tier of the bound. */
export function worstCaseNanos(model: string, bounds: CallBounds, at: Date): bigint {
  const price = toTier(model, bounds.inputBoundTokens, at)
  const dearestWrite = bounds.cacheLifetime === '1h' ? Math.max(price.cacheWrite5m, price.cacheWrite1h) : price.cacheWrite5m
  const dearestInput = Math.max(price.input, price.cacheRead, dearestWrite)
  return times(bounds.inputBoundTokens, dearestInput) + times(bounds.maxOutputTokens, price.output)
}

function toTier(model: string, prompt: number, at: Date): PriceTier {
  const tier = findModel(model, at)?.tiers.find(({ upToPromptTokens }) => upToPromptTokens === null || prompt <= upToPromptTokens)
  if (!tier) throw new Error(`Model ${model} has no price for a prompt of ${prompt} tokens; add one to prices.json.`)
  return tier
}

function times(tokens: number, nanosPerToken: number): bigint {
  return BigInt(tokens) * BigInt(nanosPerToken)
}
