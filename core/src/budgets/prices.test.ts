import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  costNanos,
  DEFAULT_JUDGE_MODEL,
  DEFAULT_WORK_MODEL,
  findModel,
  isPricedModel,
  NO_USAGE,
  pricedModelNames,
  promptTokens,
  type TokenUsage,
  worstCaseNanos,
} from './prices.ts'

const at = new Date('2026-11-20T12:00:00Z')
const model = fc.constantFrom(...pricedModelNames())
const tokens = fc.nat(400_000)
const usage = fc.record<TokenUsage>({
  inputTokens: tokens,
  outputTokens: tokens,
  cacheReadTokens: tokens,
  cacheWrite5mTokens: tokens,
  cacheWrite1hTokens: tokens,
})

describe('prices', () => {
  it('charges a million tokens of each kind what the price list says', () => {
    const million = (kind: keyof TokenUsage, name: string) => Number(costNanos(name, { ...NO_USAGE, [kind]: 1_000_000 }, at)) / 1e9
    expect(million('inputTokens', 'claude-opus-5-5')).toBe(4)
    expect(million('outputTokens', 'claude-opus-5-5')).toBe(20)
    expect(million('cacheWrite5mTokens', 'claude-opus-5')).toBe(6.25)
    expect(million('cacheReadTokens', 'claude-sonnet-5-5')).toBe(0.1)
    expect(million('cacheReadTokens', 'claude-sonnet-5')).toBe(0.2)
    expect(million('cacheWrite1hTokens', 'claude-haiku-4-5')).toBe(2)
    expect(million('inputTokens', 'claude-haiku-5-5')).toBe(0.5)
    expect(million('outputTokens', 'claude-haiku-5-5')).toBe(0.5)
  })

  it('chooses the tier by all input kinds together', () => {
    const small = { ...NO_USAGE, inputTokens: 50_000, cacheReadTokens: 50_000 }
    expect(costNanos('claude-haiku-5-5', small, at)).toBe(50_000n * 100n + 50_000n * 10n)
    expect(costNanos('claude-haiku-5-5', { ...small, cacheWrite5mTokens: 1 }, at)).toBe(50_000n * 500n + 50_000n * 50n + 625n)
  })

  it('never settles above the worst case of a call within its bounds', () => {
    fc.assert(
      fc.property(model, usage, tokens, tokens, fc.constantFrom('5m', '1h'), (name, spent, slackIn, slackOut, cacheLifetime) => {
        const settled = cacheLifetime === '5m' ? { ...spent, cacheWrite1hTokens: 0 } : spent
        const bounds = {
          inputBoundTokens: promptTokens(settled) + slackIn,
          maxOutputTokens: settled.outputTokens + slackOut,
          cacheLifetime,
        } as const
        expect(costNanos(name, settled, at)).toBeLessThanOrEqual(worstCaseNanos(name, bounds, at))
      }),
    )
  })

  it('reaches the worst case when all input is written to the cache', () => {
    const spent = { ...NO_USAGE, cacheWrite5mTokens: 1_000, outputTokens: 10 }
    expect(worstCaseNanos('claude-opus-5', { inputBoundTokens: 1_000, maxOutputTokens: 10 }, at)).toBe(
      costNanos('claude-opus-5', spent, at),
    )
  })

  it('lists tiers that ascend in size and in price and end open, in whole nano-dollars', () => {
    for (const name of pricedModelNames()) {
      const tiers = findModel(name, at)?.tiers ?? []
      expect(tiers.at(-1)?.upToPromptTokens).toBeNull()
      for (const [index, { upToPromptTokens: size, ...prices }] of tiers.entries()) {
        const before = tiers[index - 1]
        if (before) expect(size ?? Number.POSITIVE_INFINITY).toBeGreaterThan(before.upToPromptTokens ?? Number.POSITIVE_INFINITY)
        for (const [line, price] of Object.entries(prices)) {
          expect(Number.isInteger(price) && price > 0, `${name} ${line}`).toBe(true)
          if (before) expect(price).toBeGreaterThanOrEqual(before[line as keyof typeof prices])
        }
      }
    }
  })

  it('prices a day before the first list at the first list', () => {
    expect(findModel('claude-opus-5-5', new Date(0))).toEqual(findModel('claude-opus-5-5', at))
  })

  it('knows its defaults, and refuses to price a model it does not know', () => {
    expect([DEFAULT_WORK_MODEL, DEFAULT_JUDGE_MODEL].every(isPricedModel)).toBe(true)
    expect(findModel('claude-nobody', at)).toBeNull()
    expect(isPricedModel('constructor')).toBe(false)
    expect(() => costNanos('claude-nobody', NO_USAGE, at)).toThrow('claude-nobody')
  })
})
