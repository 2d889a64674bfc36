import { expect, test } from 'vitest'
import { rememberBriefly } from './remember-briefly.ts'

test('who asks while it reads, or shortly after, gets the same answer', async () => {
  let reads = 0
  const ask = rememberBriefly(async () => ++reads, 60_000)
  expect(await Promise.all([ask(), ask()])).toEqual([1, 1])
  expect(await ask()).toBe(1)
})

test('an answer that is too old is read anew', async () => {
  let reads = 0
  const ask = rememberBriefly(async () => ++reads, 0)
  expect([await ask(), await ask()]).toEqual([1, 2])
})

test('a reading that failed is not remembered', async () => {
  let reads = 0
  const ask = rememberBriefly(async () => {
    if (++reads === 1) throw new Error('away')
    return reads
  }, 60_000)
  await expect(ask()).rejects.toThrow('away')
  expect(await ask()).toBe(2)
})
