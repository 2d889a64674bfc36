import { expect, test } from 'vitest'
import { createSessionLog, type LogEvent, PAGE } from './session-log.ts'

const event = (seq: number, type = 'agent.tool_call', payload: unknown = { callId: `c${seq}` }): LogEvent => ({
  seq,
  type,
  payload,
  actor: 'agent',
  costUsd: null,
  createdAt: '2026-01-01T00:00:00Z',
})
const events = (from: number, to: number): LogEvent[] => Array.from({ length: to - from + 1 }, (_, index) => event(from + index))
const delta = (offset: number, text: string, change: { turnId?: string; attempt?: number; block?: number } = {}) =>
  ({ __typename: 'Delta', threadId: 't', turnId: 'a', attempt: 1, block: 0, kind: 'TEXT', offset, text, ...change }) as const
const textOf = (log: ReturnType<typeof createSessionLog>) => log.draft()?.blocks.map(({ text }) => text)

test('what is missing of a stretch is named by its pages, and nothing twice', () => {
  const log = createSessionLog()
  log.add(events(951, 1_000))
  expect(log.missing(1, 250)).toEqual([1, 101, 201])
  expect(log.missing(960, 1_000)).toEqual([901])
  log.add(events(901, 950))
  expect(log.missing(901, 1_000)).toEqual([])
})

test('pages that nobody has looked at for longest are let go, the newest never', () => {
  const log = createSessionLog()
  log.add(events(100 * PAGE + 1, 100 * PAGE + 50))
  for (let page = 0; page < 99; page++) log.add(events(page * PAGE + 1, (page + 1) * PAGE))
  expect(log.event(1)).toBeUndefined()
  expect(log.event(98 * PAGE + 1)).toBeDefined()
  expect(log.event(100 * PAGE + 50)).toBeDefined()
  expect(log.missing(1, 1)).toEqual([1])
})

test('a call finds its result, and a message the turn that read it', () => {
  const log = createSessionLog()
  log.add([
    event(1, 'user.message', { text: 'hi' }),
    event(2, 'user.message_read', { seqs: [1] }),
    event(3),
    event(4, 'agent.tool_result', { callId: 'c3' }),
  ])
  expect(log.companionSeq(event(1, 'user.message'))).toBe(2)
  expect(log.companionSeq(event(3))).toBe(4)
  expect(log.companionSeq(event(9))).toBeUndefined()
})

test('marks are in order, though they were noted later than newer ones', () => {
  const log = createSessionLog()
  log.add([event(9, 'harness.error', {})])
  log.note([
    event(2, 'budget.alert', {}),
    event(5, 'session.status', { status: 'PAUSED' }),
    event(6, 'session.status', { status: 'RUNNING' }),
  ])
  expect(log.marks().map(({ seq }) => seq)).toEqual([2, 5, 9])
  expect(log.event(2)).toBeUndefined()
})

test('an answer streams in, and its message takes its place', () => {
  const log = createSessionLog()
  log.addDelta(delta(0, 'Hel'))
  log.addDelta(delta(3, 'lo'))
  log.addDelta(delta(3, 'lo'))
  expect(textOf(log)).toEqual(['Hello'])
  log.add([event(1, 'agent.message', { turnId: 'a' })])
  expect(log.draft()).toBeNull()
})

test('another attempt discards what came before, and what comes late of the old one', () => {
  const log = createSessionLog()
  log.addDelta(delta(0, 'old'))
  log.addDelta(delta(0, 'new', { attempt: 2 }))
  log.addDelta(delta(3, ' late'))
  expect(textOf(log)).toEqual(['new'])
})

test('after a gap the draft stays as it is until the message comes', () => {
  const log = createSessionLog()
  log.addDelta(delta(0, 'one '))
  log.addDelta(delta(9, 'three'))
  expect(textOf(log)).toEqual(['one '])
})

test('a session that rests speaks no more, but an old rest that is read again ends no answer', () => {
  const log = createSessionLog()
  log.add(events(1, 10))
  log.addDelta(delta(0, 'speaking'))
  log.add([event(3, 'session.status', { status: 'IDLE' })])
  expect(textOf(log)).toEqual(['speaking'])
  log.add([event(11, 'session.status', { status: 'CANCELED' })])
  expect(log.draft()).toBeNull()
})
