import { expect, it } from 'vitest'
import { toTokenUsage } from './to-token-usage.ts'

it('splits cache writes by lifetime, and counts what is missing as nothing', () => {
  const wire = {
    input_tokens: 1,
    cache_creation_input_tokens: 30,
    cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 },
  }
  expect(toTokenUsage(wire)).toEqual({
    inputTokens: 1,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWrite5mTokens: 20,
    cacheWrite1hTokens: 10,
  })
})

it('takes writes without a split for five minutes', () => {
  expect(toTokenUsage({ cache_creation_input_tokens: 30 })).toMatchObject({ cacheWrite5mTokens: 30, cacheWrite1hTokens: 0 })
})

it('bills the sum of sub-calls where they are listed', () => {
  const part = { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 2, cache_creation_input_tokens: 3 }
  expect(toTokenUsage({ input_tokens: 10, output_tokens: 5, iterations: [part, part] })).toEqual({
    inputTokens: 20,
    outputTokens: 10,
    cacheReadTokens: 4,
    cacheWrite5mTokens: 6,
    cacheWrite1hTokens: 0,
  })
})

it('never counts a negative, a fraction or a text', () => {
  expect(toTokenUsage({ input_tokens: -1, output_tokens: 1.5, cache_read_input_tokens: '7' })).toEqual({
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
  })
})
