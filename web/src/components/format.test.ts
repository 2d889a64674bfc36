import { expect, test } from 'vitest'
import { formatAge, formatBytes, formatClock, formatCount, formatDateTime, formatDuration, formatUsd, formatWhole } from './format.ts'

test('money has cents, and four places only where cents would hide it', () => {
  expect(['0', '0.00', '0.004125', '0.5', '0.05', '1', '1.239', '12345.6'].map(formatUsd)).toEqual([
    '$0.00',
    '$0.00',
    '$0.0042',
    '$0.50',
    '$0.05',
    '$1.00',
    '$1.24',
    '$12,345.60',
  ])
})

test('what was spent is never rounded away', () => {
  expect(formatUsd('0.000001')).toBe('$0.0001')
})

test('an amount that is none is shown as it came', () => {
  expect(formatUsd('much')).toBe('much')
})

test('counts, times and sizes have one unit that fits', () => {
  expect([999, 1_000, 12_345, 3_400_000].map(formatCount)).toEqual(['999', '1k', '12k', '3.4M'])
  expect([12, 1_500, 75_000, 7_300_000, 200_000_000].map(formatDuration)).toEqual(['12 ms', '1.5 s', '1 min 15 s', '2 h 1 min', '2 d 7 h'])
  expect([-5, 59_000, 61_000, 7_200_000, 400_000_000].map(formatAge)).toEqual(['0 s', '59 s', '1 min', '2 h', '4 d'])
  expect([5, 2_048, 5_242_880].map(formatBytes)).toEqual(['5 B', '2 KB', '5 MB'])
})

test('a moment is told by the clock of where one is, a whole number to its last digit', () => {
  const at = new Date(2026, 10, 5, 4, 7, 9).toISOString()
  expect([formatClock(at), formatDateTime(at)]).toEqual(['04:07:09', 'Nov 5, 2026, 04:07'])
  expect([0, 999, 1_000, 50_001, 1_234_567].map(formatWhole)).toEqual(['0', '999', '1,000', '50,001', '1,234,567'])
})
