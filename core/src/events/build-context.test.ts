import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbitraryLog, toLog, USAGE } from '../../testing/simulation/arbitrary-log.ts'
import { buildContext, CUT_OFF_TEXT, contextBytes } from './build-context.ts'
import type { LogEvent } from './event.ts'

const answers = (events: LogEvent[]) => events.filter((event) => event.type === 'agent.message' && event.payload.content.length > 0)

/** What the model was sent when each answer came: the context of the log before it. */
const prompts = (events: LogEvent[]) => answers(events).map((answer) => buildContext(events.filter(({ seq }) => seq < answer.seq)))

const answer = (content: { type: 'text'; text: string }[], stopReason: string) => ({
  type: 'agent.message' as const,
  payload: {
    turnId: 't',
    model: 'm',
    content,
    stopReason,
    usage: USAGE,
    basis: 'exact' as const,
    reservationId: 'r',
    promptHash: 'h',
    brokenCalls: [],
  },
})
const message = (text: string) => ({ type: 'user.message' as const, payload: { text, mode: 'queue' as const } })
const read = (...seqs: number[]) => ({ type: 'user.message_read' as const, payload: { turnId: 't', seqs } })

describe('the context a model is sent', () => {
  it('begins with the user and alternates, with no message and no block empty', () => {
    fc.assert(
      fc.property(arbitraryLog, (events) => {
        for (const messages of [...prompts(events), buildContext(events)]) {
          expect(messages.map(({ role }) => role)).toEqual(messages.map((_, index) => (index % 2 === 0 ? 'user' : 'assistant')))
          for (const block of messages.flatMap(({ content }) => content)) {
            if (block.type === 'text') expect(block.text).not.toBe('')
            if (block.type === 'tool_result') expect(block.content).not.toBe('')
          }
          expect(messages.every(({ content }) => content.length > 0)).toBe(true)
        }
      }),
    )
  })

  it('ends with the user whenever the model is asked', () => {
    fc.assert(fc.property(arbitraryLog, (events) => prompts(events).every((messages) => messages.at(-1)?.role === 'user')))
  })

  it('answers every call of an answer at once: results first, complete, in the order of the calls', () => {
    fc.assert(
      fc.property(arbitraryLog, (events) => {
        const messages = buildContext(events)
        for (const [index, { role, content }] of messages.entries()) {
          if (role === 'user') continue
          const calls = content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : []))
          const next = messages[index + 1]?.content ?? []
          expect(next.slice(0, calls.length).map((block) => (block.type === 'tool_result' ? block.tool_use_id : null))).toEqual(calls)
          expect(next.slice(calls.length).some(({ type }) => type === 'tool_result')).toBe(false)
        }
      }),
    )
  })

  it('never changes what was sent before, unless the context was replaced meanwhile', () => {
    fc.assert(
      fc.property(arbitraryLog, (events) => {
        const sent = prompts(events)
        for (const [index, earlier] of sent.entries()) {
          const later = sent[index + 1]
          const [from, to] = [answers(events)[index]?.seq ?? 0, answers(events)[index + 1]?.seq ?? 0]
          const replaced = events.some(({ seq, type }) => seq > from && seq < to && (type === 'agent.compacted' || type === 'agent.reset'))
          if (later !== undefined && !replaced) expect(later.slice(0, earlier.length)).toEqual(earlier)
        }
      }),
    )
  })

  it('is the same from any position that the thread may be read from', () => {
    fc.assert(
      fc.property(arbitraryLog, (events) => {
        const cut = events.findLastIndex(({ type }) => type === 'agent.compacted' || type === 'agent.reset')
        if (cut !== -1) expect(buildContext(events.slice(cut))).toEqual(buildContext(events))
      }),
    )
  })

  it('holds a message where it was read, not where it was sent', () => {
    const log = toLog([message('first'), read(1), message('second'), answer([{ type: 'text', text: 'one' }], 'end_turn'), read(3)])
    expect(buildContext(log)).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'first' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'one' }] },
      { role: 'user', content: [{ type: 'text', text: 'second' }] },
    ])
  })

  it('reads a message sent before a compaction after it', () => {
    const compacted = { type: 'agent.compacted' as const, payload: { turnId: 't', summary: 'all before' } }
    const log = toLog([
      message('first'),
      read(1),
      answer([{ type: 'text', text: 'one' }], 'end_turn'),
      message('second'),
      compacted,
      read(4),
    ])
    expect(buildContext(log.slice(3))).toEqual(buildContext(log))
    expect(buildContext(log)).toHaveLength(1)
    expect(JSON.stringify(buildContext(log))).toContain('second')
  })

  it('asks for the rest of a text that the output limit cut off, and does not tell the agent of a check that could not run', () => {
    const log = toLog([message('go'), read(1), answer([{ type: 'text', text: 'half' }], 'max_tokens')])
    expect(buildContext(log).at(-1)).toEqual({ role: 'user', content: [{ type: 'text', text: CUT_OFF_TEXT }] })
    fc.assert(
      fc.property(arbitraryLog, (events) => {
        const without = events.filter((event) => event.type !== 'condition.evaluated' || event.payload.verdict !== 'ERROR')
        expect(buildContext(events)).toEqual(buildContext(without))
      }),
    )
  })

  it('counts bytes, not characters', () => {
    expect(contextBytes([{ role: 'user', content: [{ type: 'text', text: 'ä€😀' }] }])).toBeGreaterThanOrEqual(2 + 3 + 4)
  })
})
