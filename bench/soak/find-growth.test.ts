import { describe, expect, test } from 'vitest'
import { findGrowth } from './find-growth.ts'

const series = (values: number[]) => values.map((memory) => ({ memory }))

describe('growth', () => {
  test('is found in what rises slowly and never falls', () => {
    const rising = Array.from({ length: 40 }, (_, at) => 100 + at)
    expect(findGrowth(series(rising))).toEqual([{ what: 'memory', early: expect.any(Number), late: expect.any(Number), grew: true }])
  })

  test('is not found in what filled up at the beginning, or goes up and down', () => {
    const filled = [20, 60, 90, 110, 112, 115, 111, 113, 115, 112, 114, 113]
    const wavy = Array.from({ length: 40 }, (_, at) => 100 + 30 * Math.sin(at))
    expect(findGrowth(series(filled))[0]?.grew).toBe(false)
    expect(findGrowth(series(wavy))[0]?.grew).toBe(false)
  })

  test('of a few pieces is noise', () => {
    expect(findGrowth(series([1, 1, 1, 1, 4, 4, 4, 4]))[0]?.grew).toBe(false)
  })

  test('is not spoken of after three samples', () => {
    expect(() => findGrowth(series([1, 2, 3]))).toThrow('soak for longer')
  })
})
