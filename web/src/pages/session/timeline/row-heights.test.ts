import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRowHeights } from './row-heights.ts'

const naiveTop = (heights: number[], index: number): number => heights.slice(0, index).reduce((sum, height) => sum + height, 0)

test('places and rows are those of the heights themselves, however they came about', () => {
  const change = fc.oneof(
    fc.record({ count: fc.integer({ min: 0, max: 900 }), height: fc.integer({ min: 0, max: 90 }) }),
    fc.record({ index: fc.integer({ min: 0, max: 1_000 }), height: fc.integer({ min: 0, max: 500 }) }),
  )
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.integer({ min: 0, max: 1_000 }), (changes, looked) => {
      const rows = createRowHeights()
      const heights: number[] = []
      for (const one of changes) {
        if ('count' in one) {
          rows.setCount(one.count, () => one.height)
          heights.length = Math.min(heights.length, one.count)
          while (heights.length < one.count) heights.push(one.height)
        } else {
          rows.set(one.index, one.height)
          if (one.index < heights.length) heights[one.index] = one.height
        }
      }
      expect(rows.total()).toBe(naiveTop(heights, heights.length))
      const index = Math.min(looked, heights.length)
      expect(rows.topOf(index)).toBe(naiveTop(heights, index))
      if (heights[index]) expect(rows.indexAt(naiveTop(heights, index))).toBe(index)
    }),
  )
})

test('a place above the first row is the first, below the last the last', () => {
  const rows = createRowHeights()
  rows.setCount(3, () => 10)
  expect([-5, 0, 9, 10, 29, 30, 1_000].map(rows.indexAt)).toEqual([0, 0, 0, 1, 2, 2, 2])
})
