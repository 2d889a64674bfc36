import { describe, expect, it } from 'vitest'
import { parseRetryAfter, toFailure } from './to-failure.ts'

const now = Date.parse('2026-11-20T12:00:00Z')
const reasonOf = (status: number | null, type: string | null, message = 'm') =>
  toFailure({ status, type, message, headers: null }, now).reason

describe('toFailure', () => {
  it.each([
    ['retryable', [408, 409, 429, 500, 502, 503, 504, 529]],
    ['rejected', [307, 400, 401, 402, 403, 404, 413, 422]],
  ])('is %s for these statuses', (reason, statuses) => {
    expect(statuses.map((status) => reasonOf(status, null))).toEqual(statuses.map(() => reason))
  })

  it('goes by the type when an error came without a status', () => {
    expect(['overloaded_error', 'api_error', 'rate_limit_error', 'timeout_error', null].map((type) => reasonOf(null, type))).toEqual(
      Array(5).fill('retryable'),
    )
    expect(['invalid_request_error', 'authentication_error', 'permission_error'].map((type) => reasonOf(null, type))).toEqual(
      Array(3).fill('rejected'),
    )
  })

  it('knows the words for a context over its window', () => {
    expect(reasonOf(400, 'invalid_request_error', 'prompt is too long: 1200000 tokens > 1000000 maximum')).toBe('too_long')
    expect(reasonOf(400, 'invalid_request_error', 'input length and `max_tokens` exceed context limit: 199000 + 16000 > 200000')).toBe(
      'too_long',
    )
    expect(reasonOf(null, 'invalid_request_error', 'prompt is too long')).toBe('too_long')
    expect(reasonOf(500, 'api_error', 'prompt is too long')).toBe('retryable')
  })

  it('says one short sentence', () => {
    const { message } = toFailure({ status: 502, type: null, message: `<html>\n  ${'x'.repeat(1_000)}`, headers: null }, now)
    expect(message).toHaveLength(301)
    expect(message).not.toContain('\n')
  })
})

describe('parseRetryAfter', () => {
  const parse = (headers: Record<string, string>) => parseRetryAfter(new Headers(headers), now)

  it('prefers milliseconds, then seconds, then a date', () => {
    expect(parse({ 'retry-after-ms': '1500', 'retry-after': '9' })).toBe(1_500)
    expect(parse({ 'retry-after': '9' })).toBe(9_000)
    expect(parse({ 'retry-after': '0.5' })).toBe(500)
    expect(parse({ 'retry-after': 'Fri, 20 Nov 2026 12:00:30 GMT' })).toBe(30_000)
  })

  it('reads a date by the clock of the provider, and a past one as now', () => {
    expect(parse({ date: 'Fri, 20 Nov 2026 13:00:00 GMT', 'retry-after': 'Fri, 20 Nov 2026 13:00:05 GMT' })).toBe(5_000)
    expect(parse({ 'retry-after': 'Fri, 20 Nov 2026 11:00:00 GMT' })).toBe(0)
  })

  it('waits for the last limit that is used up, when nothing else is said', () => {
    const limits = {
      'anthropic-ratelimit-tokens-remaining': '0',
      'anthropic-ratelimit-tokens-reset': '2026-11-20T12:00:20Z',
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': '2026-11-20T12:00:10Z',
      'anthropic-ratelimit-output-tokens-remaining': '5',
      'anthropic-ratelimit-output-tokens-reset': '2026-11-20T12:09:00Z',
    }
    expect(parse(limits)).toBe(20_000)
  })

  it('is null when nothing can be read', () => {
    expect([parse({}), parse({ 'retry-after': 'soon' }), parse({ 'retry-after': '-5' })]).toEqual([null, null, null])
  })
})
