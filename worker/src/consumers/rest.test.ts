import { expect, test } from 'vitest'
import { createRest } from './rest.ts'

test('whoever looks at every beat rests twice as long after each failure, two seconds at most, and not at all once a look has worked', () => {
  let nowMs = 0
  const rest = createRest({ now: () => nowMs, random: () => 1 })
  const rests = Array.from({ length: 5 }, () => {
    rest.failed()
    const from = nowMs
    while (!rest.isOver()) nowMs++
    return nowMs - from
  })
  expect(rests).toEqual([250, 500, 1_000, 2_000, 2_000])
  rest.failed()
  rest.worked()
  expect(rest.isOver()).toBe(true)
})
