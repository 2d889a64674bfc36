import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromUsd, toUsd } from './usd.ts'

test.each([
  [0n, '0.00', '0.00'],
  [1n, '0.000001', '0.00'],
  [4_125_000n, '0.004125', '0.004125'],
  [4_125_001n, '0.004126', '0.004125'],
  [12_500_000_000n, '12.50', '12.50'],
  [-1n, '0.00', '-0.000001'],
])('%d nano-dollars are %s spent and %s remaining', (nanos, spent, remaining) => {
  expect(toUsd(nanos, 'up')).toBe(spent)
  expect(toUsd(nanos, 'down')).toBe(remaining)
})

test('what can be written comes back as it was', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 17n }), (micros) => {
      expect(fromUsd(toUsd(micros * 1000n, 'up'))).toBe(micros * 1000n)
    }),
  )
})

test('rounding moves by less than a millionth of a dollar, and never the wrong way', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), (nanos) => {
      const up = fromUsd(toUsd(nanos, 'up')) as bigint
      const down = fromUsd(toUsd(nanos, 'down')) as bigint
      expect(up >= nanos && up - nanos < 1000n && down <= nanos && nanos - down < 1000n).toBe(true)
    }),
  )
})

test.each(['', '-1', '+1', '1e3', 'NaN', '0x10', '1.0000001', '1,5', ' 1', '١', '1'.repeat(13), '.5', '5.'])('%j is no amount', (text) => {
  expect(fromUsd(text)).toBeNull()
})
