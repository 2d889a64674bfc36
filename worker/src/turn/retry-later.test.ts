import type { LogEvent } from '@longhaul/core/src/events/event.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backOffMs, countFailures } from './retry-later.ts'

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

  it('sends those that were told the same time back one by one', () => {
    const told = (drawn: number) => backOffMs({ attempt: 0, retryAfterMs: 90_000, random: drawn, ...limits })
    expect(told(0.9) - told(0.1)).toBe(72_000)
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

describe('the failures of a turn that was put off', () => {
  const putOff = (status: number | null, turnId = 'trn_1') =>
    ({ type: 'harness.error', payload: { v: 1, turnId, next: 'retrying', message: 'No.', status } }) as LogEvent
  const events = [putOff(500), putOff(429), putOff(500), putOff(429), putOff(429, 'trn_2'), putOff(null)]

  it('are its last ones, without those where the provider only asked it to wait', () => {
    const count = (attempt: number) => countFailures(events, { turnId: 'trn_1', attempt })
    expect([0, 1, 2, 3, 4, 5].map(count)).toEqual([0, 1, 1, 2, 2, 3])
  })
})
