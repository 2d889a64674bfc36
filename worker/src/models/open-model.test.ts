import { startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { expect, it } from 'vitest'
import type { ModelRequest } from './model.ts'
import { openModel } from './open-model.ts'

const request: ModelRequest = {
  model: 'claude-haiku-5-5',
  maxTokens: 100,
  system: null,
  tools: [],
  messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
}
const { signal } = new AbortController()

it('sends every model of the Claude family to Anthropic', async () => {
  const server = await startScriptedModel()
  const model = openModel({ anthropicApiKey: server.apiKey, anthropicBaseUrl: server.url })
  expect(await model.call(request, { signal })).toMatchObject({ kind: 'answered', answer: { model: 'claude-haiku-5-5' } })
  await server.stop()
})

it('refuses a model that nobody provides, and one whose key is missing, at no cost', async () => {
  const model = openModel({ anthropicApiKey: null, anthropicBaseUrl: 'http://127.0.0.1:1' })
  const refused = { kind: 'failed', failure: { reason: 'rejected' }, billing: { kind: 'none' } }
  expect(await model.call({ ...request, model: 'other-1' }, { signal })).toMatchObject(refused)
  expect(await model.call(request, { signal })).toMatchObject({
    ...refused,
    failure: { message: expect.stringContaining('ANTHROPIC_API_KEY') },
  })
})
