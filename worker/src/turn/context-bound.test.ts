import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundInputTokens, bytesOfBlocks } from './context-bound.ts'

describe('boundInputTokens', () => {
  it('adds only what is new to what the provider counted', () => {
    expect(boundInputTokens({ lastExact: { tokens: 40_000 }, bytesSince: 500, bytesOfEverything: 160_000, changed: false })).toBe(42_500)
  })

  it('takes the bytes of everything for the first call', () => {
    expect(boundInputTokens({ lastExact: null, bytesSince: 0, bytesOfEverything: 7_000, changed: false })).toBe(9_000)
  })

  it('takes the bytes of everything when model, instructions or tools changed', () => {
    expect(boundInputTokens({ lastExact: { tokens: 10 }, bytesSince: 5, bytesOfEverything: 90_000, changed: true })).toBe(92_000)
  })

  it('is never below the tokens of a context whose tokens are at least a byte each', () => {
    fc.assert(
      fc.property(fc.nat(200_000), fc.nat(200_000), fc.boolean(), fc.nat(1_000), (before, since, changed, share) => {
        const tokensBefore = Math.floor((before * share) / 1_000)
        const bound = boundInputTokens({
          lastExact: { tokens: tokensBefore },
          bytesSince: since,
          bytesOfEverything: before + since,
          changed,
        })
        expect(bound).toBeGreaterThanOrEqual(tokensBefore + since)
      }),
    )
  })
})

describe('bytesOfBlocks', () => {
  it('counts bytes, not characters', () => {
    expect(bytesOfBlocks([{ type: 'text', text: 'é' }])).toBe(bytesOfBlocks([{ type: 'text', text: 'e' }]) + 1)
    expect(bytesOfBlocks([])).toBe(0)
  })
})
