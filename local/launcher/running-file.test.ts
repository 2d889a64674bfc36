import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { takeRunningFile } from './running-file.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'running-'))
})
afterEach(() => rm(dataDir, { recursive: true }))

/** A process that idles, started from a script of that name. */
async function idle(name: string) {
  const script = join(dataDir, name)
  await writeFile(script, `process.stdout.write('up'); setInterval(() => {}, 1000)`)
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return { child, script, pid: child.pid ?? 0 }
}

test('what a killed launcher left running is ended before the next one starts its own', async () => {
  const left = await idle('worker.mjs')
  const ended = once(left.child, 'exit')
  await writeFile(
    join(dataDir, 'running.json'),
    JSON.stringify({ launcher: 999_999_999, children: [left] }, ['launcher', 'children', 'pid', 'script']),
  )
  const said: string[] = []
  await takeRunningFile(dataDir, (line) => said.push(line))
  expect((await ended)[1]).toBe('SIGTERM')
  expect(said.join()).toContain(String(left.pid))
})

test('a pid that now belongs to another program is left alone', async () => {
  const other = await idle('other.mjs')
  const children = [{ pid: other.pid, script: '/somewhere/worker/src/main.ts' }]
  await writeFile(join(dataDir, 'running.json'), JSON.stringify({ launcher: 999_999_999, children }))
  await takeRunningFile(dataDir, () => {})
  expect(other.child.exitCode).toBeNull()
  process.kill(other.pid, 0)
  other.child.kill()
})

test('a second launcher on the same folder steps back', async () => {
  const first = await idle('start.ts')
  await writeFile(join(dataDir, 'running.json'), JSON.stringify({ launcher: first.pid, children: [] }))
  await expect(takeRunningFile(dataDir, () => {})).rejects.toThrow(`already runs here (pid ${first.pid}`)
  first.child.kill()
})

test('the file names this launcher and what it started, and goes with it', async () => {
  const file = await takeRunningFile(dataDir, () => {})
  file.write([{ pid: 7, script: 'a' }])
  expect(JSON.parse(await readFile(join(dataDir, 'running.json'), 'utf8'))).toEqual({
    launcher: process.pid,
    children: [{ pid: 7, script: 'a' }],
  })
  file.remove()
  await expect(readFile(join(dataDir, 'running.json'))).rejects.toThrow('ENOENT')
})
