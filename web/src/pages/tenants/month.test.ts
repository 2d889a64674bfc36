import { expect, it } from 'vitest'
import { toMonth, toMonthlyCap } from './month.ts'

it('a month begins and ends in UTC, over the year’s end too', () => {
  expect(toMonth(Date.parse('2026-12-31T23:59:59Z'))).toEqual({ from: '2026-12-01T00:00:00.000Z', to: '2027-01-01T00:00:00.000Z' })
})

it('of two monthly caps the lower is met first, and others do not count', () => {
  const lower = { period: 'MONTH', limitUsd: '9.5' } as const
  expect(toMonthlyCap([{ period: 'MONTH', limitUsd: '10' }, lower, { period: 'DAY', limitUsd: '1' }])).toBe(lower)
  expect(toMonthlyCap([{ period: 'LIFETIME', limitUsd: '1' }])).toBeNull()
})
