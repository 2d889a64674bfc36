import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseVerdict } from './parse-verdict.ts'

const good = { verdict: 'SATISFIED', explanation: 'Both points hold.', evidence: ['README.md: has a usage section'] }

it('takes exactly what was asked for', () => {
  expect(parseVerdict(good)).toEqual(good)
  expect(parseVerdict({ ...good, verdict: 'UNSATISFIED' })).toMatchObject({ verdict: 'UNSATISFIED' })
})

it.each([
  null,
  'SATISFIED',
  {},
  [good],
  { ...good, verdict: 'satisfied' },
  { ...good, verdict: true },
  { ...good, verdict: ['SATISFIED'] },
  { ...good, explanation: ' ' },
  { ...good, evidence: [] },
  { ...good, evidence: 'README.md' },
  { ...good, evidence: Array(21).fill('x') },
  { ...good, confidence: 1 },
  { verdict: 'SATISFIED', evidence: ['x'] },
])('makes no verdict of %j, and says what is wrong', (input) => {
  expect(parseVerdict(input)).toEqual({ wrong: expect.stringMatching(/.+/) })
})

it('keeps a verdict small, however long its texts are', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20_000 })
  fc.assert(
    fc.property(text, fc.array(text, { minLength: 1, maxLength: 20 }), (explanation, evidence) => {
      const parsed = parseVerdict({ ...good, explanation: `x${explanation}`, evidence: evidence.map((item) => `x${item}`) })
      if ('wrong' in parsed) throw new Error(parsed.wrong)
      expect(JSON.stringify(parsed).isWellFormed()).toBe(true)
      expect(parsed.explanation.length).toBeLessThanOrEqual(3_500)
      expect(Math.max(...parsed.evidence.map(({ length }) => length))).toBeLessThanOrEqual(500)
    }),
    { numRuns: 30 },
  )
})
