import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AnswerAccumulator, MalformedStream, UnfinishedStream } from './answer-accumulator.ts'

const begin = { type: 'message_start', message: { model: 'claude-sonnet-5-5', usage: { input_tokens: 7, output_tokens: 1 } } }
const end = (stop_reason: string, usage: unknown = { output_tokens: 9 }) => [
  { type: 'message_delta', delta: { stop_reason }, usage },
  { type: 'message_stop' },
]
const delta = (index: number, fields: Record<string, unknown>) => ({ type: 'content_block_delta', index, delta: fields })
const text = (index: number, ...pieces: string[]) => [
  { type: 'content_block_start', index, content_block: { type: 'text', text: '' } },
  ...pieces.map((piece) => delta(index, { type: 'text_delta', text: piece })),
  { type: 'content_block_stop', index },
]
const tool = (index: number, id: string, ...pieces: string[]) => [
  { type: 'content_block_start', index, content_block: { type: 'tool_use', id, name: 'bash', input: {} } },
  ...pieces.map((piece) => delta(index, { type: 'input_json_delta', partial_json: piece })),
  { type: 'content_block_stop', index },
]
function accumulate(events: unknown[], takenIds: string[] = []): AnswerAccumulator {
  const accumulator = new AnswerAccumulator(takenIds)
  for (const event of events) accumulator.take(event)
  return accumulator
}

describe('AnswerAccumulator', () => {
  it('gives the same answer however its text and input are cut into pieces', () => {
    const cuts = fc.array(fc.nat(60), { maxLength: 8 })
    const cut = (whole: string, at: number[]) => {
      const points = [0, ...at.map((point) => Math.min(point, whole.length)).sort((a, b) => a - b), whole.length]
      return points.slice(1).map((point, index) => whole.slice(points[index], point))
    }
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.dictionary(fc.string(), fc.string()),
        cuts,
        cuts,
        (words, input, textCuts, inputCuts) => {
          const events = [
            begin,
            ...text(0, ...cut(words, textCuts)),
            ...tool(1, 'a', ...cut(JSON.stringify(input), inputCuts)),
            ...end('tool_use'),
          ]
          const answer = accumulate(events).toAnswer()
          expect(answer.content).toEqual([
            { type: 'text', text: words },
            { type: 'tool_use', id: 'a', name: 'bash', input: JSON.parse(JSON.stringify(input)) },
          ])
        },
      ),
    )
  })

  it('keeps thinking with its signature, and redacted thinking as it is', () => {
    const events = [
      begin,
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
      delta(0, { type: 'thinking_delta', thinking: 'hm' }),
      delta(0, { type: 'signature_delta', signature: 'sig' }),
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'redacted_thinking', data: 'xyz' } },
      ...end('end_turn'),
    ]
    expect(accumulate(events).toAnswer().content).toEqual([
      { type: 'thinking', thinking: 'hm', signature: 'sig' },
      { type: 'redacted_thinking', data: 'xyz' },
    ])
  })

  it('leaves out empty texts, and passes over events, blocks and deltas it does not know', () => {
    const events = [
      begin,
      { type: 'ping' },
      { type: 'novelty', index: 0 },
      ...text(0),
      { type: 'content_block_start', index: 1, content_block: { type: 'server_tool_use', id: 's' } },
      delta(1, { type: 'input_json_delta', partial_json: '{' }),
      ...text(2, 'so'),
      delta(2, { type: 'citations_delta', citation: {} }),
      ...end('end_turn'),
    ]
    expect(accumulate(events).toAnswer()).toMatchObject({ content: [{ type: 'text', text: 'so' }], brokenToolCalls: [] })
  })

  it.each([
    ['no input at all is the empty object', 'tool_use', '', []],
    ['no input at all, after max_tokens, is cut off', 'max_tokens', '', ['cut_off']],
    ['half an object, after max_tokens, is cut off', 'max_tokens', '{"command":"l', ['cut_off']],
    ['a whole object, after max_tokens, is whole', 'max_tokens', '{"command":"ls"}', []],
    ['half an object, after a refusal, is cut off', 'refusal', '{"comm', ['cut_off']],
    ['half an object in an answer that ended is invalid', 'tool_use', '{"command":"l', ['invalid_json']],
    ['a list is invalid', 'tool_use', '["ls"]', ['invalid_json']],
    ['null is invalid', 'tool_use', 'null', ['invalid_json']],
  ])('%s', (_what, stopReason, raw, reasons) => {
    const answer = accumulate([begin, ...tool(0, 'a', ...(raw ? [raw] : [])), ...end(stopReason)]).toAnswer()
    expect(answer.brokenToolCalls).toEqual(reasons.map((reason) => ({ id: 'a', reason })))
  })

  it('calls only the last tool call cut off', () => {
    const answer = accumulate([begin, ...tool(0, 'a', '{'), ...tool(1, 'b', '{'), ...end('max_tokens')]).toAnswer()
    expect(answer.brokenToolCalls).toEqual([
      { id: 'a', reason: 'invalid_json' },
      { id: 'b', reason: 'cut_off' },
    ])
  })

  it('gives a tool call another id when its own is taken', () => {
    const events = [begin, ...tool(0, 'a', '{}'), ...tool(1, 'a', '{}'), ...tool(2, 'b', '{}'), ...end('tool_use')]
    expect(accumulate(events, ['b', 'a_2']).toAnswer().content).toMatchObject([{ id: 'a' }, { id: 'a_3' }, { id: 'b_2' }])
  })

  it('keeps the usage of the beginning where the end is silent, and takes cumulative figures from the end', () => {
    const start = {
      ...begin,
      message: {
        usage: {
          input_tokens: 7,
          cache_read_input_tokens: 50,
          cache_creation_input_tokens: 30,
          cache_creation: { ephemeral_1h_input_tokens: 10 },
        },
      },
    }
    const usage = { input_tokens: null, cache_read_input_tokens: 60, output_tokens: 11 }
    expect(accumulate([start, ...end('end_turn', usage)]).toExactUsage()).toEqual({
      inputTokens: 7,
      outputTokens: 11,
      cacheReadTokens: 60,
      cacheWrite5mTokens: 20,
      cacheWrite1hTokens: 10,
    })
  })

  it('is not exact while output was never reported, or the answer is not whole', () => {
    expect(accumulate([begin, ...end('end_turn', null)]).toExactUsage()).toBeNull()
    expect(accumulate([begin, ...end('end_turn').slice(0, 1)]).toExactUsage()).toBeNull()
  })

  it('estimates output by the bytes that came and some more, within max_tokens, never below what was reported', () => {
    const broken = accumulate([begin, ...text(0, 'é'.repeat(100))])
    expect(broken.toEstimatedUsage(4_000)).toMatchObject({ inputTokens: 7, outputTokens: 1_200 })
    expect(broken.toEstimatedUsage(500)).toMatchObject({ outputTokens: 500 })
    const reported = accumulate([begin, ...end('end_turn', { output_tokens: 3_000 }).slice(0, 1)])
    expect(reported.toEstimatedUsage(4_000)).toMatchObject({ outputTokens: 3_000 })
    expect(accumulate([]).toEstimatedUsage(4_000)).toBeNull()
  })

  it.each([
    ['goes on before it began', [begin, delta(0, { type: 'text_delta', text: 'x' })]],
    ['skips a block', [begin, ...text(1, 'x')]],
    ['begins without usage', [{ type: 'message_start', message: {} }]],
    ['ends before it began', end('end_turn')],
    ['stops without a reason', [begin, { type: 'message_stop' }]],
    ['calls a tool without a name', [begin, { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 'a' } }]],
  ])('is malformed when it %s', (_what, events) => {
    expect(() => accumulate(events)).toThrow(MalformedStream)
  })

  it('has no answer before message_stop', () => {
    expect(() => accumulate([begin, ...text(0, 'x')]).toAnswer()).toThrow(UnfinishedStream)
  })

  it('goes by the content when it does not know the stop reason', () => {
    expect(accumulate([begin, ...tool(0, 'a', '{}'), ...end('novelty')]).toAnswer().stopReason).toBe('tool_use')
    expect(accumulate([begin, ...text(0, 'x'), ...end('novelty')]).toAnswer().stopReason).toBe('end_turn')
  })
})
