import { expect, test } from 'vitest'
import { median, percentile } from './percentile.ts'

test('a percentile is the sample that so many of all are not above', () => {
  const samples = [5, 1, 4, 2, 3]
  expect(median(samples)).toBe(3)
  expect(percentile(samples, 99)).toBe(5)
  expect(percentile(samples, 1)).toBe(1)
  expect(samples[0]).toBe(5)
})

test('a percentile of nothing is refused', () => {
  expect(() => median([])).toThrow('no sample')
})
