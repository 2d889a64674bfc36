import { expect, test } from 'vitest'
import type { SessionDelta, SessionEvent } from './session-update.ts'
import { createTimeline } from './timeline.ts'

const delta = (text: string, offset: number, more: Partial<SessionDelta> = {}): SessionDelta => ({
  __typename: 'Delta',
  turnId: 'trn_1',
  attempt: 1,
  block: 0,
  offset,
  kind: 'TEXT',
  text,
  ...more,
})
const event = (type: string, payload: unknown, costUsd: string | null = null): SessionEvent => ({
  __typename: 'Event',
  seq: 1,
  type,
  payload,
  costUsd,
  createdAt: '',
})
const message = (text: string, costUsd: string | null = null) => event('agent.message', { content: [{ type: 'text', text }] }, costUsd)
const count = (text: string, part: string) => text.split(part).length - 1

test('text that was streamed whole is not printed again by its event', () => {
  const timeline = createTimeline({ color: false })
  const out = [delta('Hello ', 0), delta('world', 6), message('Hello world')].map(timeline.write).join('')
  expect(out).toMatch(/◆ agent +Hello world\n$/)
  expect(count(out, 'world')).toBe(1)
})

test('after a gap in the stream the event brings the whole text', () => {
  const timeline = createTimeline({ color: false })
  const out = [delta('Hello ', 0), delta('ld', 9), message('Hello world')].map(timeline.write).join('')
  expect(count(out, 'Hello world')).toBe(1)
})

test('a second attempt starts on a line of its own and stands for the message', () => {
  const timeline = createTimeline({ color: false })
  const updates = [delta('Half an', 0), delta('The whole', 0, { attempt: 2 }), delta(' late', 7), message('The whole')]
  const out = updates.map(timeline.write).join('')
  expect(out).toContain('Half an\n')
  expect(out).toContain('trying again\n')
  expect(count(out, 'The whole')).toBe(1)
  expect(out).not.toContain('late')
})

test('an event in the middle of a streamed line begins a line of its own', () => {
  const timeline = createTimeline({ color: false })
  const out = [delta('Thinking', 0), event('budget.raised', { scope: 'SESSION' })].map(timeline.write).join('')
  expect(out).toMatch(/Thinking\n.*the session cap was raised\n$/)
})

test('spend is summed over events and set against the budget', () => {
  const timeline = createTimeline({ color: false, budgetUsd: '1.00' })
  expect(timeline.write(message('a', '0.004125'))).toContain('$0.0041 spent of $1.00')
  expect(timeline.write(message('b', '0.995875'))).toContain('$1.0000 spent of $1.00')
  expect(timeline.spentMicros()).toBe(1_000_000n)
})

test('thinking and tool input are not streamed to the screen', () => {
  const timeline = createTimeline({ color: false })
  expect(timeline.write(delta('hm', 0, { kind: 'THINKING' })) + timeline.write(delta('{', 0, { kind: 'TOOL_INPUT' }))).toBe('')
})

test('streamed control sequences are inert even when cut in two', () => {
  const timeline = createTimeline({ color: false })
  const out = [delta('a\u001b', 0), delta('[2Jb\rc', 2)].map(timeline.write).join('')
  expect(out).not.toMatch(/(?!\n)\p{Cc}/u)
})
