// People's files in and out over HTTP, on the whole platform: an agent works with what was sent, and what it made is fetched, from a
// sandbox at work and from one that sleeps.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { rawTar } from '@longhaul/core/testing/raw-tar.ts'
import type { MessagesRequest, Step } from '@longhaul/core/testing/scripted-model/script.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Customer, createCustomer } from './create-customer.ts'
import { type Platform, startPlatform } from './start-platform.ts'
import { waitForSession } from './wait-for-session.ts'

let platform: Platform
let customer: Customer
let sessionId: string

const bash = (command: string): Step => ({ toolCalls: [{ name: 'bash', input: { command } }] })
const told = (request: MessagesRequest): boolean => JSON.stringify(request.messages).includes('A person put files into your workspace')

beforeAll(async () => {
  platform = await startPlatform({ SANDBOX_IDLE_MS: '300', SANDBOX_SUSPEND_MS: '300' })
  const { model } = platform.scene
  model.addScript('hello', [{ text: 'Hello.' }])
  model.addScript('use', [
    (request) =>
      told(request)
        ? bash('cat data/in.csv tree/a/b.txt tree/link; stat -c %U:%a data/in.csv tree/a tree/run.sh; tree/run.sh')
        : { text: 'I was not told.' },
    bash(
      'mkdir -p out/deep && printf 0123456789 >out/numbers.txt && printf x >out/deep/x && ln -s ../numbers.txt out/deep/in && ln -s /etc/passwd out/leak && ln -s /etc trap && mkfifo out/pipe',
    ),
    { text: 'Done.' },
  ])
  model.addScript('look', [bash('ls /etc/planted trap/planted 2>&1; cat new.txt; ls -A'), { text: 'Looked.' }])
  await platform.workers.start()
  customer = await createCustomer(platform)
  const { createSession } = await get<{ createSession: { session: { id: string } } }>(
    'mutation ($input: CreateSessionInput!) { createSession(input: $input) { session { id } } }',
    { input: { agentId: customer.agentId, environmentId: customer.environmentId, prompt: 'Hello. [[script:hello]]' } },
  )
  sessionId = createSession.session.id
  await waitForSession(platform, { key: customer.adminKey, id: sessionId, status: ['IDLE'] })
}, 90_000)
afterAll(() => platform?.stop())

type Event = { seq: number; type: string; payload: Record<string, unknown> }
const get = <T>(query: string, variables: Record<string, unknown> = {}): Promise<T> => platform.get<T>(customer.adminKey, query, variables)
const eventsOf = async (): Promise<Event[]> => {
  const { session } = await get<{ session: { events: { edges: { node: Event }[] } } }>(
    'query ($id: ID!) { session(id: $id) { events(first: 200) { edges { node { seq type payload } } } } }',
    { id: sessionId },
  )
  return session.events.edges.map(({ node }) => node)
}
const sendAndWait = async (text: string): Promise<Event[]> => {
  const after = (await eventsOf()).length
  await get('mutation ($input: SendMessageInput!) { sendMessage(input: $input) { session { id } } }', { input: { sessionId, text } })
  await waitForSession(platform, { key: customer.adminKey, id: sessionId, status: ['IDLE'], after: after + 1 })
  return (await eventsOf()).slice(after)
}
const files = (method: string, at: string, { body, headers = {} }: { body?: Buffer | string; headers?: Record<string, string> } = {}) =>
  fetch(`${platform.url}/sessions/${sessionId}/files/${at}`, {
    method,
    headers: { authorization: `Bearer ${customer.memberKey}`, ...headers },
    ...(body === undefined ? {} : { body }),
  })
const put = async (at: string, body: Buffer | string): Promise<{ seq: number }> => {
  const response = await files('PUT', at, { body })
  expect([response.status, await response.clone().text()]).toEqual([201, expect.any(String)])
  return (await response.json()) as { seq: number }
}
const outputs = (events: Event[]): unknown[] =>
  events.filter(({ type }) => type === 'agent.tool_result').map(({ payload }) => payload['output'])
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('files of a session', () => {
  it('that people send are the agent’s before its next tool call, and it is told', async () => {
    const file = await put('data/in.csv', 'one,two\n')
    const tar = rawTar([
      { name: 'a/b.txt', body: 'b\n' },
      { name: 'link', type: '2', link: 'a/b.txt' },
      { name: 'run.sh', body: '#!/bin/sh\necho ran\n', mode: 0o755 },
    ])
    const folder = await put('tree?archive=tar.gz', gzipSync(tar))
    expect(await (await files('GET', 'data/in.csv')).text()).toBe('one,two\n')

    const events = await sendAndWait('Use them. [[script:use]]')
    expect(outputs(events)[0]).toBe('one,two\nb\nb\nagent:644\nagent:755\nagent:755\nran\n')
    const placed = events.filter(({ type }) => type === 'user.upload_placed')
    expect(placed.map(({ payload }) => payload)).toMatchObject([{ seqs: [file.seq, folder.seq], refused: [] }])
    const firstCall = events.find(({ type }) => type === 'agent.tool_call')
    expect(placed[0]?.seq).toBeLessThan(firstCall?.seq ?? 0)
  }, 60_000)

  it('that the agent made are fetched whole and in parts, from a sandbox that sleeps as from one that does not', async () => {
    const read = async () => {
      const whole = await files('GET', 'out/numbers.txt')
      const etag = whole.headers.get('etag') ?? ''
      expect([whole.status, await whole.text(), etag]).toEqual([200, '0123456789', `"${sha256(Buffer.from('0123456789'))}"`])
      const rest = await files('GET', 'out/numbers.txt', { headers: { range: 'bytes=7-', 'if-range': etag } })
      expect([rest.status, await rest.text()]).toEqual([206, '789'])
      const archive = await files('GET', 'out?archive=tar')
      const bytes = Buffer.from(await archive.arrayBuffer())
      expect(archive.headers.get('etag')).toBe(`"${sha256(bytes)}"`)
      // The link out of it, and the pipe.
      expect(archive.headers.get('x-longhaul-left-out')).toBe('2')
      return bytes
    }
    const awake = await read()
    const folder = mkdtempSync(path.join(tmpdir(), 'longhaul-files-'))
    try {
      writeFileSync(path.join(folder, 'out.tar'), awake)
      const listed = execFileSync('tar', ['-tvf', 'out.tar'], { cwd: folder, encoding: 'utf8' }).trim().split('\n')
      expect(listed.map((line) => line.split(/\s+/).slice(5).join(' '))).toEqual([
        'out/',
        'out/deep/',
        'out/deep/in -> ../numbers.txt',
        'out/deep/x',
        'out/numbers.txt',
      ])
    } finally {
      rmSync(folder, { recursive: true })
    }
    await expect
      .poll(async () => (await eventsOf()).findLast(({ type }) => type === 'sandbox.state')?.payload, { timeout: 30_000 })
      .toMatchObject({ state: 'SUSPENDED', sandboxId: null })
    const events = (await eventsOf()).length
    expect(sha256(await read())).toBe(sha256(awake))
    expect((await eventsOf()).length).toBe(events) // nothing was woken

    const checkpointId = (await eventsOf()).findLast(({ type }) => type === 'session.checkpointed')?.payload['checkpointId']
    expect(await (await files('GET', `out/numbers.txt?checkpoint=${String(checkpointId)}`)).text()).toBe('0123456789')
    const packed = Buffer.from(await (await files('GET', 'out?archive=tar.gz')).arrayBuffer())
    expect(packed.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]))
  }, 60_000)

  it('never leave the workspace, whatever links the agent plants', async () => {
    for (const at of ['trap/passwd', 'trap', 'out/leak', 'out/pipe', 'trap/cron.d?archive=tar'])
      expect([at, (await files('GET', at)).status]).toEqual([at, 404])
    expect((await files('GET', 'trap/?archive=tar')).status).toBe(404)
    const planted = await put('trap/planted', 'x')
    const below = await put(
      '?archive=tar',
      rawTar([
        { name: 'fine.txt', body: 'x' },
        { name: 'trap/planted', body: 'x' },
      ]),
    )
    const onFolder = await put('out', 'x')
    const fine = await put('new.txt', 'new\n')
    const events = await sendAndWait('Look. [[script:look]]')
    expect(events.find(({ type }) => type === 'user.upload_placed')?.payload).toMatchObject({
      seqs: [fine.seq],
      refused: [
        { seq: planted.seq, reason: '/workspace/trap is a link' },
        { seq: below.seq, reason: '/workspace/trap is a link' },
        { seq: onFolder.seq, reason: '/workspace/out is a folder' },
      ],
    })
    const [output] = outputs(events)
    expect(output).toContain('new\n')
    expect(String(output).match(/No such file/g)).toHaveLength(2)
    expect(output).not.toContain('fine.txt')
    await platform.scene.expectClean()
  }, 60_000)
})
