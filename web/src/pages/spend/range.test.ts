import { describe, expect, it } from 'vitest'
import type { BucketFragment } from '../../generated/graphql.ts'
import { toAxisEnd, toBars, toRange } from './range.ts'

const now = Date.parse('2026-11-21T23:30:00Z')

const bucket = (key: string, costUsd: string): BucketFragment => ({
  key,
  costUsd,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  sandboxSeconds: 0,
})

describe('a range', () => {
  it('ends with the day that it is in UTC, and stays the same all day', () => {
    expect(toRange('7d', now)).toMatchObject({ from: '2026-11-15T00:00:00.000Z', to: '2026-11-22T00:00:00.000Z', unit: 'DAY' })
    expect(toRange('7d', now)).toEqual(toRange('7d', Date.parse('2026-11-21T00:00:00Z')))
    expect(toRange('7d', now).keys).toHaveLength(7)
  })

  it('of one day goes by the hour', () => {
    const { unit, keys } = toRange('today', now)
    expect([unit, keys.length, keys[0], keys[23]]).toEqual(['HOUR', 24, '2026-11-21T00:00:00Z', '2026-11-21T23:00:00Z'])
  })

  it('of this month begins on its first day', () => {
    expect(toRange('month', now).from).toBe('2026-11-01T00:00:00.000Z')
    expect(toRange('month', now).keys).toHaveLength(21)
  })
})

it('days on which nothing was spent have a bar too', () => {
  const bars = toBars(toRange('7d', now), [bucket('2026-11-16', '1.5'), bucket('2026-11-21', '0.02')])
  expect(bars.map(({ costUsd }) => costUsd)).toEqual(['0', '1.5', '0', '0', '0', '0', '0.02'])
})

it('an axis ends at a round figure above all bars', () => {
  expect([0, 0.017, 0.2, 1, 3.1, 7, 5_000].map(toAxisEnd)).toEqual([1, 0.02, 0.2, 1, 5, 10, 5_000])
})
