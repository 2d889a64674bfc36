import { expect, test } from 'vitest'
import { type Booked, compareBooks } from './check-model-witness.ts'

const line = { v: 1 as const, model: 'claude-sonnet-5-5', session: 'ses_1', requestId: 'req_1', costNanos: 400n, finished: true }
const booked = (more: Partial<Booked>): Booked[] => [
  { reservationId: 'rsv_1', sessionId: 'ses_1', requestId: 'req_1', basis: 'exact', costNanos: 400n, cutShort: false, ...more },
]

test("a finished answer's charge is exact, or presumed and covers it", () => {
  expect(compareBooks([line], booked({}))).toEqual([])
  expect(compareBooks([line], booked({ basis: 'presumed', costNanos: 900n }))).toEqual([])
  expect(compareBooks([line], booked({ costNanos: 399n }))).toMatchObject([{ rule: 'R5', at: 'rsv_1' }])
  expect(compareBooks([line], booked({ basis: 'presumed', costNanos: 399n }))).toMatchObject([{ rule: 'R5' }])
})

test('a finished answer is estimated only where its session was cut short, and never below what it cost', () => {
  expect(compareBooks([line], booked({ basis: 'estimated', costNanos: 900n }))).toMatchObject([{ rule: 'R5' }])
  expect(compareBooks([line], booked({ basis: 'estimated', costNanos: 900n, cutShort: true }))).toEqual([])
  expect(compareBooks([line], booked({ basis: 'estimated', costNanos: 399n, cutShort: true }))).toMatchObject([{ rule: 'R5' }])
})

test('an answer that was cut off is covered by its estimate, and nothing else', () => {
  const cut = { ...line, finished: false }
  expect(compareBooks([cut], booked({ basis: 'estimated', costNanos: 900n }))).toEqual([])
  expect(compareBooks([cut], booked({ basis: 'estimated', costNanos: 399n }))).toMatchObject([{ rule: 'R5' }])
  expect(compareBooks([cut], [])).toMatchObject([{ rule: 'R5', at: 'ses_1' }])
})
