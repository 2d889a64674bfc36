import { getEventListeners, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { describe, expect, it } from 'vitest'
import { modelContract } from '../model.contract.ts'
import type { ModelRequest } from '../model.ts'
import { createAnthropicModel } from './anthropic-model.ts'

modelContract('Anthropic', async () => {
  const { url, apiKey, addScript, charges, stop } = await startScriptedModel()
  const model = createAnthropicModel({ apiKey, baseUrl: url, stallMs: 300, maxAnswerBytes: 1_000_000 })
  return { model, modelName: 'claude-sonnet-5-5', addScript, charges, stop }
})

const request: ModelRequest = {
  model: 'claude-sonnet-5-5',
  maxTokens: 100,
  system: null,
  tools: [],
  messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
}
const signal = new AbortController().signal

/** A server that answers every request in one way, and counts them. */
async function withServer(
  answer: (url: string) => { status: number; headers?: Record<string, string>; body?: string },
  ask: (url: string, count: () => number) => Promise<void>,
) {
  let count = 0
  const server = createServer((incoming, response) => {
    count++
    incoming.resume()
    const { status, headers, body } = answer(`http://${incoming.headers.host}`)
    response.writeHead(status, headers).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => count)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('the Anthropic model', () => {
  it('never retries by itself', async () => {
    await withServer(
      () => ({ status: 529 }),
      async (url, count) => {
        await createAnthropicModel({ apiKey: 'k', baseUrl: url }).call(request, { signal })
        expect(count()).toBe(1)
      },
    )
  })

  it('follows no redirect, so that the key goes nowhere else', async () => {
    await withServer(
      (url) => ({ status: 307, headers: { location: `${url}/elsewhere` } }),
      async (url, count) => {
        const outcome = await createAnthropicModel({ apiKey: 'k', baseUrl: url }).call(request, { signal })
        expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'rejected', status: 307 }, billing: { kind: 'none' } })
        expect(count()).toBe(1)
      },
    )
  })

  it('does not repeat the key when a server quotes it', async () => {
    await withServer(
      () => ({ status: 400, body: 'bad header: Bearer very-secret' }),
      async (url) => {
        const outcome = await createAnthropicModel({ apiKey: 'very-secret', baseUrl: url }).call(request, { signal })
        expect(outcome).toMatchObject({ failure: { message: expect.stringMatching(/bad header: Bearer \[key\]$/) } })
      },
    )
  })

  it('takes a page of HTML for a lost answer', async () => {
    await withServer(
      () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Welcome</html>' }),
      async (url) => {
        const outcome = await createAnthropicModel({ apiKey: 'k', baseUrl: url }).call(request, { signal })
        expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'retryable' }, billing: { kind: 'unknown' } })
      },
    )
  })

  it('bills nothing when the provider can not be reached', async () => {
    const closed = await startScriptedModel()
    await closed.stop()
    const outcome = await createAnthropicModel({ apiKey: 'k', baseUrl: closed.url }).call(request, { signal })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { reason: 'retryable' }, billing: { kind: 'none' } })
  })

  it('leaves no listener on a signal that outlives many calls', async () => {
    const server = await startScriptedModel()
    const model = createAnthropicModel({ apiKey: server.apiKey, baseUrl: server.url })
    const lasting = new AbortController().signal
    for (let calls = 0; calls < 3; calls++) await model.call(request, { signal: lasting })
    await server.stop()
    expect(getEventListeners(lasting, 'abort')).toEqual([])
  })
})
