import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createApiKeySecret, hashApiKey, parseApiKey } from './api-key.ts'

test('a new key is found by its prefix and kept as a hash', () => {
  const { secret, prefix, hash } = createApiKeySecret()
  expect(parseApiKey(secret)).toEqual({ prefix })
  expect(hash).toBe(hashApiKey(secret))
  expect(hash).not.toContain(secret.slice(-20))
})

test('no two keys are alike', () => {
  expect(new Set(Array.from({ length: 1000 }, () => createApiKeySecret().prefix)).size).toBe(1000)
})

test('a key with one character changed is refused without a query', () => {
  const { secret } = createApiKeySecret()
  fc.assert(
    fc.property(fc.nat(secret.length - 1), fc.constantFrom(...'0123456789abcdefghjkmnpqrstvwxyz_'), (at, character) => {
      fc.pre(secret[at] !== character)
      expect(parseApiKey(secret.slice(0, at) + character + secret.slice(at + 1))).toBeNull()
    }),
  )
})

test.each(['', 'lh_', 'Bearer x', 'lh_0000000000_', '\0', 'lh_'.repeat(1000)])('%j is no key', (text) => {
  expect(parseApiKey(text)).toBeNull()
})
