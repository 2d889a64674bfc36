/** What a failed call means for whoever must go on: a status, an error in the stream, or a connection that broke. Pure. */
import type { ModelFailure } from '../model.ts'

export type ProviderError = { status: number | null; type: string | null; message: string; headers: Headers | null }

/** Error types that come without a status, in a stream that began with 200. Unknown ones are retried. */
const REJECTED_TYPES = new Set([
  'invalid_request_error',
  'authentication_error',
  'permission_error',
  'not_found_error',
  'request_too_large',
  'billing_error',
])

/** The provider's words when a context is over its window. */
const TOO_LONG = /prompt is too long|exceeds? (the )?(model's )?(maximum )?context (window|limit|length)/i

const MAX_MESSAGE_CHARS = 300

export function toFailure(error: ProviderError, nowMs: number): ModelFailure {
  return {
    reason: toReason(error),
    message: toSentence(error.message),
    status: error.status,
    type: error.type,
    retryAfterMs: error.headers ? parseRetryAfter(error.headers, nowMs) : null,
  }
}

function toReason({ status, type, message }: ProviderError): ModelFailure['reason'] {
  const rejected = status === null ? type !== null && REJECTED_TYPES.has(type) : status < 500 && ![408, 409, 429].includes(status)
  if (!rejected) return 'retryable'
  return (status === 400 || type === 'invalid_request_error') && TOO_LONG.test(message) ? 'too_long' : 'rejected'
}

/**
 * When the provider wants to be asked again: `retry-after-ms`, `retry-after` in seconds or as a date, else the latest reset of a limit
 * that is used up. Dates are read by the provider's own clock where it sends one.
 */
export function parseRetryAfter(headers: Headers, nowMs: number): number | null {
  const theirNow = Date.parse(headers.get('date') ?? '') || nowMs
  const inMs = toNumber(headers.get('retry-after-ms'))
  if (inMs !== null) return Math.ceil(inMs)
  const after = headers.get('retry-after')
  const seconds = toNumber(after)
  if (seconds !== null) return Math.ceil(seconds * 1_000)
  // Date.parse would take a negative number for a month.
  const date = after !== null && /^[a-z]/i.test(after) ? Date.parse(after) : Number.NaN
  if (!Number.isNaN(date)) return Math.max(0, date - theirNow)
  const resets = ['requests', 'tokens', 'input-tokens', 'output-tokens']
    .filter((limit) => headers.get(`anthropic-ratelimit-${limit}-remaining`) === '0')
    .map((limit) => Date.parse(headers.get(`anthropic-ratelimit-${limit}-reset`) ?? ''))
    .filter((reset) => !Number.isNaN(reset))
  return resets.length > 0 ? Math.max(0, Math.max(...resets) - theirNow) : null
}

function toNumber(value: string | null): number | null {
  return value !== null && /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : null
}

function toSentence(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim()
  return line.length > MAX_MESSAGE_CHARS ? `${line.slice(0, MAX_MESSAGE_CHARS)}…` : line
}
