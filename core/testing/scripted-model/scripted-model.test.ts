import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Fault, Script } from './script.ts'
import { type ScriptedModel, type ScriptedModelSettings, startScriptedModel } from './scripted-model.ts'

let model: ScriptedModel

async function start(settings: ScriptedModelSettings = {}): Promise<void> {
  model = await startScriptedModel(settings)
}
afterEach(() => model?.stop())

type Ask = {
  stream?: boolean
  max_tokens?: number
  messages?: unknown[]
  path?: string
  key?: string
  signal?: AbortSignal
  [field: string]: unknown
}

function ask(text: string, { path = '/v1/messages', key = 'k', signal, ...fields }: Ask = {}): Promise<Response> {
  const body = { model: 'claude-sonnet-5-5', max_tokens: 1_000, stream: true, messages: [{ role: 'user', content: text }], ...fields }
  const headers: Record<string, string> = key ? { 'x-api-key': key } : {}
  return fetch(model.url + path, { method: 'POST', headers, body: JSON.stringify(body), signal })
}

async function readEvents(response: Response): Promise<{ type: string; delta?: Record<string, string>; usage?: Record<string, number> }[]> {
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '))
  return lines.map((line) => JSON.parse(line.slice(6)))
}

const textOf = (events: Awaited<ReturnType<typeof readEvents>>) => events.map((event) => event.delta?.text ?? '').join('')

describe('the scripted model', () => {
  it('streams a step in the order of the protocol, ending with cumulative usage', async () => {
    await start({
      scripts: { hi: [{ thinking: 'hm', text: 'a text long enough for two pieces', toolCalls: [{ name: 'bash', input: {} }] }] },
    })
    const events = await readEvents(await ask('[[script:hi]]'))
    const order = events.map((event) => event.type).filter((type, index, all) => type !== all[index - 1])
    const block = ['content_block_start', 'content_block_delta', 'content_block_stop']
    expect(order).toEqual(['message_start', 'ping', ...block, ...block, ...block, 'message_delta', 'message_stop'])
    expect(textOf(events)).toBe('a text long enough for two pieces')
    expect(events.at(-2)).toMatchObject({
      delta: { stop_reason: 'tool_use' },
      usage: { output_tokens: model.charges[0]!.usage.outputTokens },
    })
  })

  it('answers without streaming what it would have streamed', async () => {
    await start({ scripts: { hi: [{ text: 'hello' }] } })
    const message = await (await ask('[[script:hi]]', { stream: false })).json()
    expect(message).toMatchObject({ role: 'assistant', content: [{ type: 'text', text: 'hello' }], stop_reason: 'end_turn' })
  })

  it('goes on where the conversation is, whatever server it meets', async () => {
    const scripts: Record<string, Script> = {
      three: [{ text: 'one' }, { text: 'two' }, (_request, { index }) => ({ text: `step ${index}` })],
    }
    const said = [
      { role: 'user', content: '[[script:three]]' },
      { role: 'assistant', content: 'one' },
      { role: 'user', content: 'more' },
    ]
    await start({ scripts })
    expect(textOf(await readEvents(await ask('', { messages: said })))).toBe('two')
    await model.stop()
    await start({ scripts })
    const later = [...said, { role: 'assistant', content: 'two' }, { role: 'user', content: 'more' }]
    expect(textOf(await readEvents(await ask('', { messages: later })))).toBe('step 2')
  })

  it('says something without a script, and gives a forced tool the least that fits its schema', async () => {
    await start()
    expect(textOf(await readEvents(await ask('hello')))).not.toBe('')
    const verdict = {
      type: 'object',
      required: ['satisfied', 'why'],
      properties: { satisfied: { type: 'boolean' }, why: { type: 'string' } },
    }
    const tools = [{ name: 'verdict', input_schema: verdict }]
    const forced = await ask('judge', { stream: false, tools, tool_choice: { type: 'tool', name: 'verdict' } })
    expect(await forced.json()).toMatchObject({ content: [{ type: 'tool_use', name: 'verdict', input: { satisfied: false } }] })
  })

  it('cuts an answer at max_tokens, tool input included', async () => {
    const long: Script = [{ text: 'x'.repeat(16), toolCalls: [{ name: 'bash', input: { command: 'y'.repeat(100) } }] }]
    await start({ scripts: { long } })
    const events = await readEvents(await ask('[[script:long]]', { max_tokens: 8 }))
    expect(events.map((event) => event.delta?.partial_json ?? '').join('')).toHaveLength(16)
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'max_tokens' }, usage: { output_tokens: 8 } })
  })

  it('refuses a call without a key, and a script that nobody wrote', async () => {
    await start()
    const refused = await ask('hello', { key: '' })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('request-id')).toMatch(/^req_/)
    expect(await refused.json()).toMatchObject({ type: 'error', error: { type: 'authentication_error' } })
    expect((await ask('[[script:nobody]]')).status).toBe(400)
    expect((await ask('hello', { model: 'claude-nobody' })).status).toBe(404)
  })

  it('counts tokens as it bills them', async () => {
    await start()
    const counted = (await (await ask('hello', { path: '/v1/messages/count_tokens' })).json()) as { input_tokens: number }
    await (await ask('hello')).text()
    expect(model.charges[0]?.usage.inputTokens).toBe(counted.input_tokens)
  })

  it('applies a fault to as many attempts as it was given for, and counts them by conversation', async () => {
    const faults: Fault[] = [
      { kind: 'status', status: 529 },
      { kind: 'status', status: 429, retryAfter: '2' },
    ]
    await start({ scripts: { busy: [{ text: 'at last', faults }] } })
    const first = await ask('[[script:busy]]')
    expect([first.status, ((await first.json()) as { error: { type: string } }).error.type]).toEqual([529, 'overloaded_error'])
    const second = await ask('[[script:busy]]')
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '2'])
    expect((await ask('[[script:busy]] of another session')).status).toBe(529)
    expect(textOf(await readEvents(await ask('[[script:busy]]')))).toBe('at last')
    expect(model.requests.map((request) => request.attempt)).toEqual([1, 2, 1, 3])
    expect(model.charges).toHaveLength(1)
  })

  it('limits tokens a minute until the limit is lifted', async () => {
    await start({ tokensPerMinute: 10 })
    expect((await ask('hello')).status).toBe(200)
    const refused = await ask('hello')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(10)
    model.setTokensPerMinute(null)
    expect((await ask('hello')).status).toBe(200)
  })

  it('keeps no key of what it was asked', async () => {
    await start()
    const seen = model.waitForRequest((request) => request.session === 's1')
    await (await ask('hello', { key: 'secret-key', metadata: { user_id: 's1' } })).text()
    expect(JSON.stringify(await seen)).not.toContain('secret-key')
  })

  it('bills what was produced when the client leaves in the middle', async () => {
    await start({ scripts: { slow: [{ text: 'word '.repeat(100), chunkDelayMs: 5 }] } })
    const leaving = new AbortController()
    const response = await ask('[[script:slow]]', { signal: leaving.signal })
    await response.body!.getReader().read()
    leaving.abort()
    await expect.poll(() => model.charges).toHaveLength(1)
    expect(model.charges[0]).toMatchObject({ finished: false, script: 'slow' })
    expect(model.charges[0]!.usage.outputTokens).toBeLessThan(125)
  })

  it('serves 200 streams at once', async () => {
    await start({ scripts: { slow: [{ text: 'word '.repeat(20), chunkDelayMs: 10, delayMs: 50 }] } })
    const answers = await Promise.all(Array.from({ length: 200 }, async () => textOf(await readEvents(await ask('[[script:slow]]')))))
    expect(new Set(answers)).toEqual(new Set(['word '.repeat(20)]))
    expect(model.charges.filter((charge) => charge.finished)).toHaveLength(200)
  })

  it('runs as a process of its own, with scripts from a file and a witness file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'scripted-model-'))
    const witness = join(folder, 'witness.jsonl')
    writeFileSync(join(folder, 'scripts.json'), JSON.stringify({ file: [{ text: 'from a file' }] }))
    const env = { ...process.env, PORT: '0', SCRIPTS: join(folder, 'scripts.json'), WITNESS: witness }
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      await start()
      const own = model.url
      model.url = (JSON.parse(line.toString()) as { url: string }).url
      expect(textOf(await readEvents(await ask('[[script:file]]', { metadata: { user_id: 'session-1' } })))).toBe('from a file')
      model.url = own
      const written = JSON.parse(readFileSync(witness, 'utf8'))
      expect(written).toMatchObject({
        v: 1,
        finished: true,
        session: 'session-1',
        script: 'file',
        step: 0,
        costNanos: expect.stringMatching(/^\d+$/),
      })
    } finally {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  })
})
