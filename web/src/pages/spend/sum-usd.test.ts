import { expect, it } from 'vitest'
import { sumUsd } from './sum-usd.ts'

it('sums of money are exact to the last place', () => {
  expect(sumUsd([])).toBe('0.000000')
  expect(sumUsd(['0.1', '0.2'])).toBe('0.300000')
  expect(sumUsd(['0.000001', '9000000.99', '1'])).toBe('9000001.990001')
})
