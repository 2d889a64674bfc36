import type { ContentBlock } from '@longhaul/core/src/events/content.ts'
import { MAX_PAYLOAD_BYTES } from '@longhaul/core/src/events/event.ts'
import { describe, expect, it } from 'vitest'
import type { ModelAnswer } from '../models/model.ts'
import { fitAnswer } from './fit-answer.ts'

const answer = (content: ContentBlock[], more: Partial<ModelAnswer> = {}): ModelAnswer => ({
  content,
  stopReason: 'tool_use',
  model: 'm',
  brokenToolCalls: [],
  ...more,
})
const call = (id: string, input: unknown): ContentBlock => ({ type: 'tool_use', id, name: 'bash', input })
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

describe('an answer on its way into the log', () => {
  it('stays as it is where it fits', () => {
    const whole = answer([{ type: 'text', text: 'Looking.' }, call('a', { command: 'ls' })], {
      brokenToolCalls: [{ id: 'a', reason: 'cut_off' }],
    })
    expect(fitAnswer(whole)).toEqual(whole)
  })

  it('is cut off where its text is too large, and goes on from there', () => {
    for (const text of ['x'.repeat(400_000), '\u0001'.repeat(100_000), '😀'.repeat(200_000)]) {
      const { content, stopReason } = fitAnswer(answer([{ type: 'text', text }], { stopReason: 'end_turn' }))
      expect(stopReason).toBe('max_tokens')
      expect(bytesOf(content)).toBeLessThan(MAX_PAYLOAD_BYTES - 1_000)
      expect(text.startsWith((content[0] as { text: string }).text)).toBe(true)
      expect((content[0] as { text: string }).text.isWellFormed()).toBe(true)
    }
  })

  it('runs no call whose input is too large, and the others', () => {
    const { content, brokenToolCalls } = fitAnswer(answer([call('a', { command: 'x'.repeat(300_000) }), call('b', { command: 'ls' })]))
    expect(content).toEqual([call('a', {}), call('b', { command: 'ls' })])
    expect(brokenToolCalls).toEqual([{ id: 'a', reason: 'cut_off' }])
  })

  it('runs no call whose input is nested deeper than a stack is', () => {
    const { content, brokenToolCalls } = fitAnswer(answer([call('a', JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`))]))
    expect(content).toEqual([call('a', {})])
    expect(brokenToolCalls).toEqual([{ id: 'a', reason: 'invalid_json' }])
  })

  it('leaves out calls beyond what an answer can hold', () => {
    const { content, stopReason } = fitAnswer(answer(Array.from({ length: 20_000 }, (_, index) => call(`toolu_${index}`, {}))))
    expect(bytesOf(content)).toBeLessThan(MAX_PAYLOAD_BYTES)
    expect(stopReason).toBe('max_tokens')
  })
})
