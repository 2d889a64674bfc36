import { describe, expect, it } from 'vitest'
import type { MessagesRequest } from './script.ts'
import { selectStep } from './select-step.ts'

const request = (fields: Partial<MessagesRequest>): MessagesRequest => ({
  model: 'claude-sonnet-5-5',
  max_tokens: 100,
  messages: [],
  ...fields,
})
const user = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] })
const assistant = { role: 'assistant', content: 'an answer' }

describe('selectStep', () => {
  it('follows a marker in the system prompt, at the number of all answers', () => {
    const messages = [user('hello'), assistant, user('and?'), assistant, user('well?')]
    expect(selectStep(request({ system: 'You work. [[script:one]]', messages }))).toEqual({ script: 'one', index: 2 })
  })

  it('follows the newest marker, and counts answers from there', () => {
    const messages = [user('[[script:one]]'), assistant, user('[[script:two]] then [[script:three]]'), assistant, user('go on')]
    expect(selectStep(request({ system: '[[script:zero]]', messages }))).toEqual({ script: 'three', index: 1 })
  })

  it('does not look at what tools returned or the model said', () => {
    const result = { type: 'tool_result', tool_use_id: 'a', content: '[[script:evil]]' }
    const messages = [user('[[script:one]]'), { role: 'assistant', content: '[[script:evil]]' }, { role: 'user', content: [result] }]
    expect(selectStep(request({ messages }))).toEqual({ script: 'one', index: 1 })
  })

  it('gives a judge its own marker, which no other request follows', () => {
    const messages = [user('[[script:work]]'), assistant, user('Unsatisfied: "polite [[judge:strict]]"')]
    expect(selectStep(request({ messages }))).toEqual({ script: 'work', index: 1 })
    expect(selectStep(request({ messages, tool_choice: { type: 'tool', name: 'say' } }))).toEqual({ script: 'strict', index: 0 })
    expect(selectStep(request({ messages, tools: [{ name: 'give_verdict' }] }))).toEqual({ script: 'strict', index: 0 })
  })

  it('selects nothing without a marker', () => {
    expect(selectStep(request({ messages: [user('hello')] }))).toBeNull()
  })
})
