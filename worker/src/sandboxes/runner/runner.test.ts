import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTick } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { LineReader } from './line-reader.ts'
import { parseReply, type Reply, runLine } from './runner-lines.ts'
import { runnerScript } from './runner-script.ts'

const started: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const runner of started.splice(0)) await runner.stop()
})

/** A runner as a plain child, spoken to over its pipes: for what a provider's channel would only make slow. */
const startRunner = async (found: { [file: string]: string } = {}) => {
  const folder = await mkdtemp(join('/var/tmp', 'longhaul-runner-'))
  for (const [file, content] of Object.entries(found)) await writeFile(join(folder, file), content)
  const child = spawn('sh', ['-c', runnerScript, 'runner', folder, '/'], { stdio: ['pipe', 'pipe', 'ignore'] })
  const heard: Reply[] = []
  const lines = new LineReader((line) => {
    const reply = parseReply(line)
    if (reply) heard.push(reply)
  })
  child.stdout.on('data', (chunk: Buffer) => lines.add(chunk))
  const answer = async (callNo: number, words: Reply['word'][]): Promise<Reply> => {
    for (;;) {
      const at = heard.findIndex((reply) => reply.callNo === callNo && words.includes(reply.word))
      if (at !== -1) return heard.splice(0, at + 1).at(-1) as Reply
      await once(child.stdout, 'data')
      await nextTick()
    }
  }
  const stop = async () => {
    const ended = once(child, 'close')
    child.stdin.end()
    await ended
    await rm(folder, { recursive: true })
  }
  started.push({ stop })
  return {
    run: (callNo: number, script: string) => {
      child.stdin.write(`${runLine(1, callNo, script)}\n`)
      return answer(callNo, ['done'])
    },
    askState: (callNo: number) => {
      child.stdin.write(`1 ${callNo} state\n`)
      return answer(callNo, ['never'])
    },
  }
}

test('the four hundredth call is run as the first was', async () => {
  const runner = await startRunner()
  for (let callNo = 1; callNo <= 400; callNo++) {
    expect(await runner.run(callNo, 'true')).toMatchObject({ exitCode: 0 })
    // The next one does not come before the spare for it is there.
    for (let times = 0; times < 20; times++) await runner.askState(callNo + 1)
  }
})

test('when its input ends it ends, and nothing of it stays', async () => {
  const runner = await startRunner()
  expect(await runner.run(1, 'true')).toMatchObject({ exitCode: 0 })
  await started.splice(0)[0]?.stop() // resolves when nobody holds its output any more
})

test('what an agent puts in the place of what an earlier runner left keeps the next from nothing', { timeout: 10_000 }, async () => {
  const endless = '1'.repeat(60_000_000)
  const runner = await startRunner({ epoch: `x${endless}`, kept: endless })
  expect(await runner.run(1, 'true')).toMatchObject({ exitCode: 0 })
})
