import { describe, expect, it } from 'vitest'
import { checkRequest } from './check-request.ts'
import type { MessagesRequest } from './script.ts'

const at = new Date('2026-11-20')
const text = (words: string) => ({ type: 'text', text: words })
const call = (id: string, input: unknown = {}) => ({ type: 'tool_use', id, name: 'bash', input })
const result = (id: string) => ({ type: 'tool_result', tool_use_id: id, content: 'ok' })
const check = (messages: MessagesRequest['messages'], fields: Partial<MessagesRequest> = {}) =>
  checkRequest({ model: 'claude-sonnet-5-5', max_tokens: 100, messages, ...fields }, at)

describe('checkRequest', () => {
  it('accepts a conversation with tools, also when one role speaks twice', () => {
    const messages = [
      { role: 'user', content: 'hello' },
      { role: 'user', content: 'work' },
      { role: 'assistant', content: [text('so'), call('a'), call('b')] },
      { role: 'user', content: [result('a'), result('b'), text('and quickly')] },
    ]
    expect(check(messages)).toBeNull()
  })

  it.each([
    ['a model nobody knows', [{ role: 'user', content: 'hi' }], { model: 'claude-nobody' }, 404, 'model: claude-nobody'],
    ['no output', [{ role: 'user', content: 'hi' }], { max_tokens: 0 }, 400, 'max_tokens'],
    ['more output than the model has', [{ role: 'user', content: 'hi' }], { max_tokens: 200_000 }, 400, '128000'],
    ['no messages', [], {}, 400, 'at least one message'],
    ['an empty text', [{ role: 'user', content: [text('')] }], {}, 400, 'non-empty'],
    [
      'an answer at the end',
      [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'ho' },
      ],
      {},
      400,
      'prefill',
    ],
    [
      'a prompt over the window',
      [{ role: 'user', content: 'x'.repeat(900_000) }],
      { model: 'claude-haiku-4-5' },
      400,
      'prompt is too long',
    ],
    [
      'a forced tool that is not there',
      [{ role: 'user', content: 'hi' }],
      { tool_choice: { type: 'tool', name: 'x' } },
      400,
      "'x' not found",
    ],
  ])('refuses %s', (_what, messages, fields, status, words) => {
    expect(check(messages, fields)).toMatchObject({ status, message: expect.stringContaining(words) })
  })

  it.each([
    ['a call without its result', [call('a'), call('b')], [result('a')], 'were found without `tool_result`'],
    ['a result behind a text', [call('a')], [text('well'), result('a')], 'must come first'],
    ['a result that nobody asked for', [call('a')], [result('a'), result('c')], 'unexpected `tool_use_id`'],
    ['two calls of one id', [call('a'), call('a')], [result('a')], 'must be unique'],
    ['an input that is no object', [call('a', '{')], [result('a')], 'valid dictionary'],
  ])('refuses %s', (_what, answer, next, words) => {
    const wrong = check([
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: answer },
      { role: 'user', content: next },
    ])
    expect(wrong).toMatchObject({ status: 400, message: expect.stringContaining(words) })
  })
})
