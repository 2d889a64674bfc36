import fc from 'fast-check'
import { expect, test } from 'vitest'
import { matchGlob } from './match-glob.ts'

test.each([
  ['tests', 'tests'],
  ['tests', 'tests/a/b.js'],
  ['tests/**', 'tests/a/b.js'],
  ['tests/**', 'tests/.hidden'],
  ['tests/**', 'tests'],
  ['**/*.test.js', 'a.test.js'],
  ['**/*.test.js', 'src/deep/a.test.js'],
  ['src/**/x/*.js', 'src/x/a.js'],
  ['src/**/x/*.js', 'src/a/x/b/x/a.js'],
  ['*.{js,ts}', 'a.ts'],
  ['{a,b}/{c,d}', 'b/c'],
  ['a?c', 'a💡c'],
  ['[a-c]x', 'bx'],
  ['[!a-c]x', 'dx'],
  ['[]x]y', ']y'],
  ['a[b', 'a[b'],
  ['{solo}', '{solo}'],
  ['**', '.git/config'],
])('%s fits %s', (glob, path) => {
  expect(matchGlob(glob, path)).toBe(true)
})

test.each([
  ['tests', 'tests2'],
  ['tests', 'src/tests'],
  ['tests/*', 'tests/a/b.js'],
  ['*.js', 'a/b.js'],
  ['a/**/b', 'a/b/c'],
  ['[!a-c]x', 'bx'],
  ['a?c', 'ac'],
  ['a/*', 'a'],
])('%s does not fit %s', (glob, path) => {
  expect(matchGlob(glob, path)).toBe(false)
})

test('a path fits itself as a glob, and so does every glob made of it by a run', () => {
  const name = fc.stringMatching(/^[a-z.]{1,6}$/).filter((text) => text !== '.')
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 6 }), fc.nat(), (names, at) => {
      const path = names.join('/')
      expect(matchGlob(path, path)).toBe(true)
      expect(matchGlob(names.with(at % names.length, '*').join('/'), path)).toBe(true)
      expect(matchGlob(['**', ...names.slice(at % names.length)].join('/'), path)).toBe(true)
    }),
  )
})

test('no pattern takes long', () => {
  const startedAt = performance.now()
  expect(matchGlob(`${'*a'.repeat(200)}b`, 'a'.repeat(1_000))).toBe(false)
  expect(matchGlob(`${'**/a/'.repeat(200)}b`, 'a/'.repeat(500))).toBe(false)
  expect(matchGlob('{a,b}'.repeat(50), 'a'.repeat(50))).toBeTypeOf('boolean')
  expect(performance.now() - startedAt).toBeLessThan(2_000)
})
