import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideEvaluation, type RoundVerdict } from './decide-evaluation.ts'

const verdict = (word: 'SATISFIED' | 'UNSATISFIED', workspaceDigest = 'd'): RoundVerdict => ({ verdict: word, workspaceDigest })
const decide = (verdicts: Record<string, RoundVerdict>, more: Partial<Parameters<typeof decideEvaluation>[0]> = {}) =>
  decideEvaluation({ open: ['a', 'b'], verdicts: new Map(Object.entries(verdicts)), round: 3, roundsSpent: 1, maxEvaluations: 2, ...more })

describe('what follows from a round', () => {
  it('is done when all that is open holds on one workspace', () => {
    expect(decide({ a: verdict('SATISFIED'), b: verdict('SATISFIED') })).toEqual({ do: 'complete' })
    expect(decide({ a: verdict('SATISFIED'), b: verdict('SATISFIED') }, { roundsSpent: 2 })).toEqual({ do: 'complete' })
  })

  it('does not ask for what was waived meanwhile', () => {
    expect(decide({ a: verdict('SATISFIED'), b: verdict('UNSATISFIED') }, { open: ['a'] })).toEqual({ do: 'complete' })
    expect(decide({ a: verdict('UNSATISFIED') }, { open: [] })).toEqual({ do: 'complete' })
  })

  it('judges what was added meanwhile in the same round', () => {
    expect(decide({ a: verdict('SATISFIED') })).toEqual({ do: 'evaluate', round: 3 })
  })

  it('goes back to work until the rounds are spent', () => {
    expect(decide({ a: verdict('SATISFIED'), b: verdict('UNSATISFIED') })).toEqual({ do: 'work' })
    expect(decide({ a: verdict('SATISFIED'), b: verdict('UNSATISFIED') }, { roundsSpent: 2 })).toEqual({ do: 'give_up' })
  })

  it('judges again, as often as rounds are left, what held on different workspaces', () => {
    const moved = { a: verdict('SATISFIED', 'd1'), b: verdict('SATISFIED', 'd2') }
    expect(decide(moved)).toEqual({ do: 'evaluate', round: 4 })
    expect(decide(moved, { roundsSpent: 2 })).toEqual({ do: 'give_up' })
  })

  it('completes only if every open condition holds, on one and the same workspace', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd')
    const given = fc.dictionary(
      id,
      fc.record({ verdict: fc.constantFrom('SATISFIED', 'UNSATISFIED'), workspaceDigest: fc.constantFrom('d1', 'd2') }),
    )
    fc.assert(
      fc.property(
        fc.uniqueArray(id),
        given,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        (open, verdicts, roundsSpent, maxEvaluations) => {
          const end = decide(verdicts, { open, roundsSpent, maxEvaluations })
          const held = open.every((item) => verdicts[item]?.verdict === 'SATISFIED')
          const digests = new Set(open.map((item) => verdicts[item]?.workspaceDigest))
          expect(end.do === 'complete').toBe(held && digests.size <= 1)
          if (roundsSpent >= maxEvaluations) expect(end.do).not.toBe('work')
        },
      ),
    )
  })
})
