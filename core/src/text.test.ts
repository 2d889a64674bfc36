import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cleanJson, cleanText, cutText } from './text.ts'

const wild = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)), maxLength: 40 })
const storable = (text: string) => text.isWellFormed() && !text.includes('\0')
const strings = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : value !== null && typeof value === 'object'
      ? Object.entries(value).flatMap(([key, item]) => [...(Array.isArray(value) ? [] : [key]), ...strings(item)])
      : []

describe('text at the border', () => {
  it('comes out storable whatever went in, and says whether it was changed', () => {
    fc.assert(
      fc.property(wild, (text) => {
        const cleaned = cleanText(text)
        expect(storable(cleaned.text)).toBe(true)
        expect(cleaned.lossy).toBe(!storable(text))
        if (!cleaned.lossy) expect(cleaned.text).toBe(text)
        expect(cleaned.text.length).toBe(text.length)
      }),
    )
  })

  it('is mended at any depth of a value, keys too, and a value without fault is left as it is', () => {
    fc.assert(
      fc.property(fc.object({ key: wild, values: [wild, fc.integer(), fc.constant(null)], maxDepth: 3 }), (value) => {
        const cleaned = cleanJson(value)
        expect(strings(cleaned.value).every(storable)).toBe(true)
        expect(cleaned.lossy).toBe(!strings(value).every(storable))
        if (!cleaned.lossy) expect(cleaned.value).toBe(value)
      }),
    )
  })

  it('keeps a key named __proto__ as data', () => {
    const { value } = cleanJson(JSON.parse('{"__proto__": {"admin": "\\u0000"}}'))
    expect(Object.hasOwn(value as object, '__proto__')).toBe(true)
    expect((value as { admin?: unknown }).admin).toBeUndefined()
  })

  it('is cut to its limit and never inside a code point', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat({ max: 50 }), (text, limit) => {
        const cut = cutText(text, limit)
        expect(cut.length).toBeLessThanOrEqual(limit)
        expect(text.startsWith(cut)).toBe(true)
        expect(cut.isWellFormed()).toBe(true)
        if (text.length <= limit) expect(cut).toBe(text)
        else expect(cut.length).toBeGreaterThanOrEqual(limit - 1)
      }),
    )
  })
})
