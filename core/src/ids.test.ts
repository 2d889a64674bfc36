import { afterEach, describe, expect, it, vi } from 'vitest'
import { createId, ID_PREFIXES } from './ids.ts'

afterEach(() => void vi.useRealTimers())

describe('ids', () => {
  it('are a prefix and 26 digits without the letters people confuse', () => {
    for (const prefix of ID_PREFIXES) expect(createId(prefix)).toMatch(new RegExp(`^${prefix}_[0-9a-hjkmnp-tv-z]{26}$`))
  })

  it('sort as they were made, also by the ten thousand within one millisecond and across a clock that jumps back', () => {
    vi.useFakeTimers({ now: Date.now() + 1_000, toFake: ['Date'] })
    const ids = Array.from({ length: 10_000 }, () => createId('ses'))
    vi.setSystemTime(Date.now() - 3_600_000)
    ids.push(...Array.from({ length: 1_000 }, () => createId('ses')))
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual(ids.toSorted())
  })
})
