/** The contract's part on answers. */
import { NO_USAGE, promptTokens } from '@longhaul/core/src/budgets/prices.ts'
import { describe, expect, it } from 'vitest'
import type { ModelRequest } from './model.ts'
import { type Asked, call, long, type ModelAsker } from './model-asker.contract.ts'

export function answersContract(asker: ModelAsker): void {
  describe('an answer', () => {
    it('comes whole, in order, billed exactly as the provider counted', async () => {
      const { outcome, charge } = await asker.ask({ thinking: 'Let me see.', text: 'Looking. 🎉', toolCalls: [call('ls'), call('pwd')] })
      expect(outcome).toMatchObject({
        kind: 'answered',
        answer: {
          content: [
            { type: 'thinking', thinking: 'Let me see.', signature: expect.stringMatching(/./) },
            { type: 'text', text: 'Looking. 🎉' },
            { type: 'tool_use', name: 'bash', input: { command: 'ls' } },
            { type: 'tool_use', name: 'bash', input: { command: 'pwd' } },
          ],
          stopReason: 'tool_use',
          model: asker.fixture.modelName,
          brokenToolCalls: [],
        },
        billing: { kind: 'exact', usage: charge?.usage },
        requestId: charge?.requestId,
      })
    })

    it('streams deltas whose offsets put every block together again', async () => {
      const { outcome, deltas } = await asker.ask({ thinking: 'Hm, 🎉 hm.', text: long, toolCalls: [call(long)], chunkSize: 7 })
      const blocks: string[] = []
      for (const { block, offset, text } of deltas) {
        expect(offset).toBe((blocks[block] ?? '').length)
        blocks[block] = (blocks[block] ?? '') + text
      }
      expect(blocks).toEqual(['Hm, 🎉 hm.', long, JSON.stringify({ command: long })])
      expect(new Set(deltas.map((delta) => delta.kind))).toEqual(new Set(['THINKING', 'TEXT', 'TOOL_INPUT']))
      expect(outcome.kind).toBe('answered')
    })

    it('goes back to the provider as it came', async () => {
      const first = await asker.ask({ thinking: 'Hm.', text: 'I look.', toolCalls: [call('ls')] })
      if (first.outcome.kind !== 'answered') throw new Error('no answer')
      const { content } = first.outcome.answer
      const results = content.flatMap((block) =>
        block.type === 'tool_use' ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: 'calc.py' }] : [],
      )
      const messages: ModelRequest['messages'] = [
        { role: 'user', content: [{ type: 'text', text: 'look' }] },
        { role: 'assistant', content },
        { role: 'user', content: results },
      ]
      expect((await asker.ask([], { messages })).outcome.kind).toBe('answered')
    })

    it('reads from the cache what an earlier call of the conversation wrote', async () => {
      const system = `Instructions. ${long.repeat(20)}`
      const first = await asker.ask({ text: 'one' }, { system })
      const said: ModelRequest['messages'] = [
        { role: 'user', content: [{ type: 'text', text: asker.marker() }] },
        { role: 'assistant', content: [{ type: 'text', text: 'one' }] },
        { role: 'user', content: [{ type: 'text', text: 'more' }] },
      ]
      const second = await asker.ask([], { system, messages: said })
      expect(second.charge?.usage.cacheReadTokens).toBe(promptTokens(first.charge?.usage ?? NO_USAGE))
      expect(second.outcome.billing).toEqual({ kind: 'exact', usage: second.charge?.usage })
    })

    it('uses the tool it is forced to', async () => {
      const messages: ModelRequest['messages'] = [{ role: 'user', content: [{ type: 'text', text: 'judge' }] }]
      const { outcome } = await asker.ask([], { messages, forceTool: 'bash' })
      expect(outcome).toMatchObject({ answer: { content: [{ type: 'tool_use', name: 'bash' }] } })
    })

    it('may be empty', async () => {
      const { outcome } = await asker.askWith({ kind: 'empty_content' })
      expect(outcome).toMatchObject({ kind: 'answered', answer: { content: [], stopReason: 'end_turn' }, billing: { kind: 'exact' } })
    })

    it('names a tool that nobody offered as it was named', async () => {
      const { outcome } = await asker.askWith({ kind: 'unknown_tool' })
      expect(outcome).toMatchObject({ kind: 'answered', answer: { content: [{ type: 'text' }, { name: 'no_such_tool' }] } })
    })

    it('lists tool calls whose input is not JSON, and gives them none', async () => {
      const { outcome } = await asker.askWith({ kind: 'invalid_tool_json' })
      if (outcome.kind !== 'answered') throw new Error('no answer')
      const broken = outcome.answer.content.at(-1)
      expect(broken).toMatchObject({ type: 'tool_use', input: {} })
      expect(outcome.answer.brokenToolCalls).toEqual([{ id: broken?.type === 'tool_use' && broken.id, reason: 'invalid_json' }])
    })

    it('lists a tool call that max_tokens cut off', async () => {
      const { outcome } = await asker.ask({ text: 'Now.', toolCalls: [call('ls'), call(long)] }, { maxTokens: 20 })
      if (outcome.kind !== 'answered') throw new Error('no answer')
      expect(outcome.answer.stopReason).toBe('max_tokens')
      expect(outcome.answer.content).toHaveLength(3)
      expect(outcome.answer.brokenToolCalls.map((broken) => broken.reason)).toEqual(['cut_off'])
    })

    it('never has two calls of one id, nor one that stands in the context', async () => {
      const calls = { toolCalls: [call('ls'), call('pwd')] }
      const first = await asker.askWith({ kind: 'duplicate_call_ids' }, calls)
      const ids = ({ outcome }: Asked) =>
        outcome.kind === 'answered' ? outcome.answer.content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : [])) : []
      expect(new Set(ids(first)).size).toBe(2)
      const second = await asker.ask(
        { ...calls, faults: [{ kind: 'duplicate_call_ids' }] },
        {
          messages: [
            { role: 'user', content: [{ type: 'text', text: 'go' }] },
            { role: 'assistant', content: first.outcome.kind === 'answered' ? first.outcome.answer.content : [] },
            {
              role: 'user',
              content: [
                ...ids(first).map((id) => ({ type: 'tool_result' as const, tool_use_id: id, content: 'ok' })),
                { type: 'text', text: asker.marker(1) },
              ],
            },
          ],
        },
      )
      expect(new Set([...ids(first), ...ids(second)]).size).toBe(4)
    })
  })
}
