import { describe, expect, it } from 'vitest'
import type { LogEvent } from '../events/event.ts'
import { isCheckpointDue } from './is-checkpoint-due.ts'

const at = (seconds: number): Date => new Date(1_000_000 + seconds * 1_000)
const call = (seq: number, seconds: number, name = 'bash'): LogEvent =>
  ({ seq, type: 'agent.tool_call', createdAt: at(seconds), payload: { name } }) as LogEvent
const point = (seq: number, upTo: number, seconds: number): LogEvent =>
  ({ seq, type: 'session.checkpointed', createdAt: at(seconds), payload: { seq: upTo } }) as LogEvent
const cadence = { everyCalls: 3, everyMs: 600_000, minMs: 60_000 }
const isDue = (events: LogEvent[], seconds: number, more: Partial<typeof cadence> = {}): boolean =>
  isCheckpointDue(events, { now: at(seconds), cadence: { ...cadence, ...more } })

describe('a checkpoint at a cadence', () => {
  it('is due after so many calls that may have changed files, and not before the shortest time', () => {
    const calls = [call(1, 0), call(2, 1), call(3, 2)]
    expect(isDue(calls, 59)).toBe(false)
    expect(isDue(calls, 60)).toBe(true)
    expect(isDue(calls.slice(1), 300)).toBe(false)
  })

  it('is due after so long with a single such call, and never without one', () => {
    expect(isDue([call(1, 0)], 599)).toBe(false)
    expect(isDue([call(1, 0)], 600)).toBe(true)
    expect(isDue([call(1, 0, 'read'), call(2, 0, 'grep')], 10_000)).toBe(false)
    expect(isDue([], 10_000)).toBe(false)
  })

  it('counts from the last checkpoint of any kind, with the calls that its position does not hold', () => {
    const events = [call(1, 0), call(2, 1), call(5, 100), point(6, 3, 101), call(7, 102), call(8, 103)]
    expect(isDue(events, 160)).toBe(false)
    expect(isDue(events, 161)).toBe(true)
    expect(isDue(events.slice(0, 4), 5_000)).toBe(true)
    expect(isDue([call(1, 0), point(2, 1, 1)], 5_000)).toBe(false)
  })

  it('is never due where none are wanted', () => {
    expect(isDue([call(1, 0), call(2, 0), call(3, 0)], 10_000, { everyCalls: 0 })).toBe(false)
  })
})
