// What this launcher started, on disk: so that a second launcher on the same folder steps back, and the next one after a
// `kill -9` ends what was left running before it starts its own.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

type Running = { launcher: number; children: { pid: number; script: string }[] }

const GONE_POLL_MS = 20
/** SIGTERM first: what was left may be in the middle of a turn. */
const GRACE_MS = 5_000

export type RunningFile = { write(children: Running['children']): void; remove(): void }

/** Throws when another launcher runs on this folder. */
export async function takeRunningFile(dataDir: string, say: (line: string) => void): Promise<RunningFile> {
  const file = join(dataDir, 'running.json')
  const before = read(file)
  if (before && before.launcher !== process.pid && isRunning(before.launcher, 'start.ts'))
    throw new Error(`Longhaul already runs here (pid ${before.launcher}, in ${dataDir}): stop it, or set DATA_DIR and PORT`)
  const left = before?.children.filter(({ pid, script }) => isRunning(pid, script)) ?? []
  if (left.length > 0) say(`ending what an earlier start left running: pid ${left.map(({ pid }) => pid).join(', ')}`)
  await Promise.all(left.map(end))
  const write = (children: Running['children']) => {
    writeFileSync(`${file}.part`, JSON.stringify({ launcher: process.pid, children } satisfies Running))
    renameSync(`${file}.part`, file)
  }
  write([])
  return { write, remove: () => rmSync(file, { force: true }) }
}

function read(file: string): Running | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Running
  } catch {
    return undefined // no earlier start, or one that ended well
  }
}

/** Whether this pid still is that program: pids are given out again. */
function isRunning(pid: number, script: string): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(script)
  } catch {
    return false
  }
}

async function end({ pid, script }: { pid: number; script: string }): Promise<void> {
  process.kill(pid, 'SIGTERM')
  const deadline = Date.now() + GRACE_MS
  while (isRunning(pid, script)) {
    if (Date.now() > deadline) process.kill(pid, 'SIGKILL')
    await sleep(GONE_POLL_MS)
  }
}
