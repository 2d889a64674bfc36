import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbitraryLog, toLog, USAGE } from '../../testing/simulation/arbitrary-log.ts'
import type { ContentBlock } from '../events/content.ts'
import { viewTurn } from './view-turn.ts'

const nothing = { unread: [], control: null, hasNews: true }
const answer = (turnId: string, content: ContentBlock[], { stopReason = 'end_turn', broken = [] as string[] } = {}) => ({
  type: 'agent.message' as const,
  payload: {
    turnId,
    model: 'm',
    content,
    stopReason,
    usage: USAGE,
    basis: 'exact' as const,
    reservationId: `rsv_${turnId}`,
    promptHash: 'h',
    brokenCalls: broken.map((id) => ({ id, reason: 'cut_off' as const })),
  },
})
const use = (id: string): ContentBlock => ({ type: 'tool_use', id, name: 'bash', input: { command: id } })
const say = (text: string): ContentBlock => ({ type: 'text', text })
const logged = (turnId: string, callId: string) => ({
  type: 'agent.tool_call' as const,
  payload: { turnId, callId, name: 'bash', input: {}, permission: 'ALWAYS_ALLOW' as const, summary: 's' },
})
const result = (turnId: string, callId: string) => ({
  type: 'agent.tool_result' as const,
  payload: {
    turnId,
    callId,
    callSeq: 1,
    outcome: 'done' as const,
    output: '',
    isError: false,
    exitCode: 0,
    durationMs: 1,
    truncated: false,
    outputFile: null,
  },
})

describe('what a turn is made of so far', () => {
  it('is read off the log: an answer, its calls, their numbers and what is done', () => {
    const log = toLog([
      answer('a', [say('hello'), use('c1'), use('c2'), use('c3')], { broken: ['c3'] }),
      logged('a', 'c1'),
      result('a', 'c1'),
      logged('a', 'c2'),
    ])
    expect(viewTurn(log, { ...nothing, turnId: 'a' }).calls).toEqual([
      { id: 'c1', name: 'bash', input: { command: 'c1' }, seq: 2, broken: null, done: true },
      { id: 'c2', name: 'bash', input: { command: 'c2' }, seq: 4, broken: null, done: false },
      { id: 'c3', name: 'bash', input: { command: 'c3' }, seq: null, broken: 'cut_off', done: false },
    ])
  })

  it('holds nothing of another turn, even where the model uses a call id again', () => {
    const log = toLog([answer('a', [use('c')]), logged('a', 'c'), result('a', 'c'), answer('b', [use('c')])])
    expect(viewTurn(log, { ...nothing, turnId: 'b' }).calls).toMatchObject([{ id: 'c', seq: null, done: false }])
    expect(viewTurn(log, { ...nothing, turnId: 'c' })).toMatchObject({ answer: null, calls: [] })
  })

  it('sees work as ended before the first answer and after one that asks for nothing more', () => {
    const ended = (log: ReturnType<typeof toLog>) => viewTurn(log, { ...nothing, turnId: 'now' }).workEnded
    expect(ended([])).toBe(true)
    expect(ended(toLog([answer('a', [say('done')])]))).toBe(true)
    expect(ended(toLog([answer('a', [use('c')]), result('a', 'c')]))).toBe(false)
    expect(ended(toLog([answer('a', [say('half')], { stopReason: 'max_tokens' })]))).toBe(false)
  })

  it('counts answers that were cut off in a row, and starts anew after a whole one', () => {
    const cut = (id: string) => answer(id, [say('half')], { stopReason: 'max_tokens' })
    const count = (...answers: ReturnType<typeof answer>[]) => viewTurn(toLog(answers), { ...nothing, turnId: 'c' }).cutOffs
    expect(count(cut('a'), cut('b'))).toBe(2)
    expect(count(cut('a'), answer('b', [say('whole')]), cut('c'))).toBe(1)
    expect(count(cut('a'), answer('b', [say('whole')]))).toBe(0)
  })

  it('is the same for any worker: what it is made of depends on the events alone, and only ever grows', () => {
    fc.assert(
      fc.property(arbitraryLog, fc.nat(), (events, cut) => {
        const of = (some: typeof events) =>
          viewTurn(some, { ...nothing, turnId: 'trn_0' })
            .calls.filter(({ done }) => done)
            .map(({ id }) => id)
        const earlier = of(events.slice(0, cut % (events.length + 1)))
        expect(of(events).slice(0, earlier.length)).toEqual(earlier)
        expect(of(structuredClone(events))).toEqual(of(events))
      }),
    )
  })
})
