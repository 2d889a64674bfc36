import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backOffMs } from './retry-later.ts'

const limits = { retryBaseMs: 1_000, retryMaxMs: 60_000 }
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('the back-off between attempts', () => {
  it('never comes before the provider said it may', () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), fc.nat({ max: 3_600_000 }), random, (attempt, retryAfterMs, drawn) => {
        expect(backOffMs({ attempt, retryAfterMs, random: drawn, ...limits })).toBeGreaterThanOrEqual(retryAfterMs)
      }),
    )
  })

  it('doubles up to its ceiling, and spreads over the upper half of it', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2_000 }), random, (attempt, drawn) => {
        const ceiling = Math.min(60_000, 1_000 * 2 ** Math.min(attempt, 40))
        const waited = backOffMs({ attempt, retryAfterMs: null, random: drawn, ...limits })
        expect(Number.isInteger(waited)).toBe(true)
        expect(waited).toBeGreaterThanOrEqual(ceiling / 2)
        expect(waited).toBeLessThanOrEqual(ceiling)
      }),
    )
  })
})
