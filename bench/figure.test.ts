import { expect, test } from 'vitest'
import { type Figure, isReached } from './figure.ts'
import { printFigure } from './print-figure.ts'

const figure: Figure = { what: 'an append', measured: 3, unit: 'ms', yardstick: { what: 'a bare one', value: 2 } }

test('a target bounds the figure, its ratio to the yardstick, or what it is more', () => {
  expect(isReached(figure)).toBeNull()
  expect(isReached({ ...figure, target: { of: 'ratio', atMost: 1.5 } })).toBe(true)
  expect(isReached({ ...figure, target: { of: 'ratio', atLeast: 1.6 } })).toBe(false)
  expect(isReached({ ...figure, target: { of: 'difference', atMost: 1 } })).toBe(true)
  expect(isReached({ ...figure, target: { of: 'measured', atMost: 2.9 } })).toBe(false)
})

test('a ratio without a yardstick is a mistake, not a miss', () => {
  expect(() => isReached({ what: 'alone', measured: 1, unit: 'ms', target: { of: 'ratio', atMost: 2 } })).toThrow('needs a yardstick')
})

test('a line says what was measured, beside what, against what, and whether that was reached', () => {
  const line = printFigure({ ...figure, target: { of: 'ratio', atMost: 1.2 } })
  expect(line.split(/\s{2,}/)).toEqual(['an append', '3.00 ms', '2.00 ms a bare one', '1.50×', '≤ 1.2×', 'NO'])
})
