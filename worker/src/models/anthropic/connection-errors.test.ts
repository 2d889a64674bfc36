import { describe, expect, it } from 'vitest'
import { toCode, wasNeverConnected } from './connection-errors.ts'

const fetchFailed = (cause: unknown) => new Error('Connection error.', { cause: new TypeError('fetch failed', { cause }) })
const systemError = (code: string, syscall?: string) => Object.assign(new Error(code), { code, syscall })

describe('connection errors', () => {
  it('are named by the deepest cause', () => {
    expect(toCode(fetchFailed(systemError('ECONNRESET', 'read')))).toBe('ECONNRESET')
    expect(toCode(new Error('no code'))).toBeNull()
    expect(toCode('a string')).toBeNull()
  })

  it('were never connected without an address, a connection or trust', () => {
    const never = [
      systemError('ENOTFOUND', 'getaddrinfo'),
      systemError('ECONNREFUSED', 'connect'),
      systemError('CERT_HAS_EXPIRED'),
      systemError('UND_ERR_CONNECT_TIMEOUT'),
    ]
    expect(never.map(fetchFailed).every(wasNeverConnected)).toBe(true)
    expect(wasNeverConnected(fetchFailed(new AggregateError([systemError('ECONNREFUSED', 'connect')])))).toBe(true)
  })

  it('may have been billed when a connection broke', () => {
    expect(wasNeverConnected(fetchFailed(systemError('ECONNRESET', 'read')))).toBe(false)
    expect(wasNeverConnected(fetchFailed(systemError('UND_ERR_SOCKET')))).toBe(false)
  })

  it('do not loop when causes do', () => {
    const error = new Error('round')
    error.cause = error
    expect(toCode(error)).toBeNull()
  })
})
