import { describe, expect, it } from 'vitest'
import type { ModelRequest } from '../model.ts'
import { toMessageParams } from './to-message-params.ts'

const tool = (name: string) => ({ name, description: `${name}.`, inputSchema: { type: 'object' } })
const user = (text: string): ModelRequest['messages'][number] => ({ role: 'user', content: [{ type: 'text', text }] })
const assistant = (text: string): ModelRequest['messages'][number] => ({ role: 'assistant', content: [{ type: 'text', text }] })
const request = (fields: Partial<ModelRequest> = {}): ModelRequest => ({
  model: 'claude-sonnet-5-5',
  maxTokens: 100,
  system: 'You work.',
  tools: [tool('bash'), tool('read')],
  messages: [user('hi')],
  ...fields,
})
const marks = (value: unknown) => JSON.stringify(value).split('"cache_control"').length - 1

describe('toMessageParams', () => {
  it('pins everything that would change the price', () => {
    expect(toMessageParams(request(), 'global')).toMatchObject({ stream: true, service_tier: 'standard_only', inference_geo: 'global' })
    expect(toMessageParams(request(), null)).not.toHaveProperty('inference_geo')
  })

  it('marks tools and system together, and the last two user messages', () => {
    const params = toMessageParams(
      request({ messages: [user('one'), assistant('two'), user('three'), assistant('four'), user('five')] }),
      null,
    )
    expect([marks(params.tools), marks(params.system), marks(params)]).toEqual([0, 1, 3])
    expect(params.messages.map(marks)).toEqual([0, 0, 1, 0, 1])
  })

  it('marks the last tool when there are no instructions, and says nothing empty', () => {
    const params = toMessageParams(request({ system: '' }), null)
    expect(params.tools?.map(marks)).toEqual([0, 1])
    expect(params).not.toHaveProperty('system')
    expect(toMessageParams(request({ tools: [] }), null)).not.toHaveProperty('tools')
  })

  it('keeps the bytes of what was said before, when more is said', () => {
    const unmarked = (messages: ModelRequest['messages']) =>
      JSON.stringify(toMessageParams(request({ messages }), null).messages).replaceAll(',"cache_control":{"type":"ephemeral"}', '')
    const before = [user('one'), assistant('two'), user('three')]
    expect(unmarked([...before, assistant('four'), user('five')]).startsWith(unmarked(before).slice(0, -1))).toBe(true)
  })

  it('forces a tool and names the session only when asked to', () => {
    expect(toMessageParams(request({ forceTool: 'bash', sessionId: 's1' }), null)).toMatchObject({
      tool_choice: { type: 'tool', name: 'bash' },
      metadata: { user_id: 's1' },
    })
    const plain = toMessageParams(request(), null)
    expect([plain.tool_choice, plain.metadata]).toEqual([undefined, undefined])
  })

  it('changes nothing of what it was given', () => {
    const given = Object.freeze(request({ messages: [Object.freeze(user('one'))] }))
    toMessageParams(given, null)
    expect(marks(given)).toBe(0)
  })
})
