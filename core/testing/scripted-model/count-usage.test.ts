import { describe, expect, it } from 'vitest'
import { countPromptTokens, PromptCache } from './count-usage.ts'
import type { MessagesRequest } from './script.ts'

const mark = { type: 'ephemeral' }
const long = 'lorem ipsum '.repeat(1_000)
const conversation = (turns: string[], cached = true): MessagesRequest => ({
  model: 'claude-sonnet-5-5',
  max_tokens: 100,
  system: [{ type: 'text', text: long, ...(cached ? { cache_control: mark } : {}) }],
  messages: turns.map((text, index) => ({
    role: index % 2 ? 'assistant' : 'user',
    content: [{ type: 'text', text, ...(cached && index === turns.length - 1 ? { cache_control: mark } : {}) }],
  })),
})
const total = (counted: ReturnType<PromptCache['count']>) =>
  counted.input_tokens + counted.cache_read_input_tokens + counted.cache_creation_input_tokens

describe('PromptCache', () => {
  it('writes a marked prefix once and reads it in the next request of the conversation', () => {
    const cache = new PromptCache()
    const first = cache.count(conversation(['one']), 0)
    const second = cache.count(conversation(['one', 'two', 'three']), 1_000)
    expect(first).toMatchObject({ input_tokens: 0, cache_read_input_tokens: 0 })
    expect(second.cache_read_input_tokens).toBe(first.cache_creation_input_tokens)
    expect(second.cache_creation_input_tokens).toBeGreaterThan(0)
    expect(second.cache_creation_input_tokens).toBeLessThan(100)
  })

  it('counts every token exactly once, however it is split', () => {
    const cache = new PromptCache()
    for (const request of [conversation(['one']), conversation(['one', 'two', 'three']), conversation(['other'], false)]) {
      expect(total(cache.count(request, 0))).toBe(countPromptTokens(request))
    }
  })

  it('reads nothing after five minutes, nor for another model, nor when the prefix changed', () => {
    const cache = new PromptCache()
    cache.count(conversation(['one']), 0)
    expect(cache.count({ ...conversation(['one']), model: 'claude-opus-5-5' }, 1).cache_read_input_tokens).toBe(0)
    expect(cache.count({ ...conversation(['one']), tools: [{ name: 'new' }] }, 1).cache_read_input_tokens).toBe(0)
    expect(cache.count(conversation(['one']), 300_001).cache_read_input_tokens).toBe(0)
  })

  it('caches nothing without a mark', () => {
    const cache = new PromptCache()
    expect(cache.count(conversation(['one'], false), 0)).toMatchObject({ cache_creation_input_tokens: 0, cache_read_input_tokens: 0 })
    expect(cache.count(conversation(['one'], false), 0)).toMatchObject({ cache_creation_input_tokens: 0, cache_read_input_tokens: 0 })
  })
})
