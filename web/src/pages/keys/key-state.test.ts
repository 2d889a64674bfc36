import { describe, expect, it } from 'vitest'
import { toExpiry, toKeyState } from './key-state.ts'

const now = Date.parse('2026-11-21T12:00:00Z')

describe('a key', () => {
  it('is usable until it expires', () => {
    expect(toKeyState({ expiresAt: null, revokedAt: null }, now)).toBe('usable')
    expect(toKeyState({ expiresAt: '2026-11-21T12:00:01Z', revokedAt: null }, now)).toBe('usable')
    expect(toKeyState({ expiresAt: '2026-11-21T12:00:00Z', revokedAt: null }, now)).toBe('expired')
  })

  it('is revoked whether or not it would have expired', () => {
    expect(toKeyState({ expiresAt: '2026-11-20T12:00:00Z', revokedAt: '2026-11-19T12:00:00Z' }, now)).toBe('revoked')
  })
})

describe('a key’s end', () => {
  it('is so many days from now, or never', () => {
    expect(toExpiry({ lifetime: '', date: '2026-12-01' }, now)).toBeNull()
    expect(toExpiry({ lifetime: '30', date: '' }, now)).toBe('2026-12-21T12:00:00.000Z')
  })

  it('is the last second of the day that was chosen, where the person is', () => {
    const end = new Date(toExpiry({ lifetime: 'date', date: '2026-12-01' }, now) ?? '')
    expect([end.getFullYear(), end.getMonth() + 1, end.getDate(), end.getHours(), end.getMinutes()]).toEqual([2026, 12, 1, 23, 59])
  })
})
