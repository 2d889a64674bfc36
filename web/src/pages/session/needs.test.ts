import { expect, test } from 'vitest'
import type { StopReason } from '../../generated/graphql.ts'
import { toNeed, toShortNeed } from './needs.ts'

const at = { status: 'IDLE', stopReason: null, evaluationRounds: 3, maxEvaluations: 3 } as const
const RESTS: StopReason[] = [
  'END_TURN',
  'MAX_EVALUATIONS',
  'REFUSAL',
  'BLOCKED',
  'REQUIRES_ACTION',
  'BUDGET_REACHED',
  'PAUSED_BY_USER',
  'CONTEXT_FULL',
  'RESOURCES_FAILED',
]

test('a session that works, or is over, needs nobody', () => {
  for (const status of ['QUEUED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELED'] as const)
    expect([toNeed({ ...at, status }), toShortNeed({ ...at, status })]).toEqual([null, null])
})

test('each reason to rest is told in words of its own, in a sentence and in a few words', () => {
  const [other, otherShort] = [toNeed({ ...at, stopReason: 'RETRIES_EXHAUSTED' }), toShortNeed({ ...at, stopReason: 'RETRIES_EXHAUSTED' })]
  expect(other).toContain('again and again')
  for (const stopReason of RESTS) {
    expect(toNeed({ ...at, stopReason })).not.toBe(other)
    expect(toShortNeed({ ...at, stopReason })).not.toBe(otherShort)
  }
})
