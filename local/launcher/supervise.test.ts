import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Supervised, supervise } from './supervise.ts'

let folder: string
let started: Supervised[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supervise-'))
  started = []
})
afterEach(async () => {
  await Promise.all(started.map((one) => one.stop(1_000)))
  await rm(folder, { recursive: true })
})

/** Runs `code` with `note(text)` appending to a file; ready as soon as it has noted "up". */
async function run(code: string, onRestart: (line: string) => void = () => {}) {
  const notes = join(folder, 'notes')
  const script = join(folder, 'main.mjs')
  await writeFile(notes, '')
  await writeFile(
    script,
    `import { appendFileSync } from 'node:fs'\nconst note = (text) => appendFileSync(${JSON.stringify(notes)}, text)\n${code}`,
  )
  const read = () => readFile(notes, 'utf8')
  const logFile = join(folder, 'logs', 'main.log')
  const isReady = async () => (await read()).includes('up')
  const one = supervise({ name: 'thing', script, env: process.env, logFile, isReady, onRestart, onStart: () => {} })
  started.push(one)
  return { one, read }
}

test('a killed process comes back under a new pid, and it is said', async () => {
  let heard: (line: string) => void = () => {}
  const said = new Promise<string>((done) => {
    heard = done
  })
  const { one } = await run(`note('up'); setInterval(() => {}, 1000)`, (line) => heard(line))
  await one.ready
  const first = one.pid()
  process.kill(first!, 'SIGKILL')
  expect(await said).toBe(`thing (pid ${first}) ended with SIGKILL; started again as pid ${one.pid()}`)
  expect(one.pid()).not.toBe(first)
})

test('what ends before it is ready says why', async () => {
  const { one } = await run(`console.error('{"msg":"PORT: expected a number"}'); process.exit(1)`)
  await expect(one.ready).rejects.toThrow(/thing ended at its start:\nPORT: expected a number/)
})

test('stopping lets it finish, and it does not come back', async () => {
  const { one, read } = await run(
    `process.on('SIGTERM', () => { note(' drained'); process.exit(0) }); note('up'); setInterval(() => {}, 1000)`,
  )
  await one.ready
  await one.stop(10_000)
  expect(await read()).toBe('up drained')
})

test('what does not stop in time is killed', async () => {
  const { one } = await run(`process.on('SIGTERM', () => {}); note('up'); setInterval(() => {}, 1000)`)
  await one.ready
  await one.stop(50)
  expect(() => process.kill(one.pid()!, 0)).toThrow('ESRCH')
})
