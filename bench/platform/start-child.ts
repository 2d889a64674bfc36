import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { root } from './start-bench-database.ts'

export type Child = {
  pid: number
  /** Its highest resident memory so far. */
  peakBytes(): Promise<number>
  kill(): Promise<void>
  /** SIGTERM, and SIGKILL when it does not go. */
  stop(): Promise<void>
}

const STOP_MS = 10_000

/** One of the platform's processes, with the settings given and nothing of ours. Resolves when `isReady` says so of its output. */
export const startChild = async (
  script: string,
  env: Record<string, string>,
  isReady: (output: string) => boolean | Promise<boolean>,
): Promise<Child> => {
  const child = spawn(process.execPath, [path.join(root, script)], {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...pass('DOCKER_HOST', 'NODE_OPTIONS'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  // Whatever ends the benchmark, a Ctrl-C or an error, ends what it started.
  const endWithUs = () => child.kill('SIGKILL')
  process.once('exit', endWithUs)
  child.once('exit', () => process.off('exit', endWithUs))
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-20_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  while (!(await isReady(output))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${script} ended at its start:\n${output}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    pid: child.pid ?? 0,
    peakBytes: () => readPeak(child.pid ?? 0),
    kill: () => end(child, exited, 'SIGKILL'),
    stop: () => end(child, exited, 'SIGTERM'),
  }
}

const end = async (child: ChildProcess, exited: Promise<unknown>, signal: NodeJS.Signals): Promise<void> => {
  child.kill(signal)
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await exited
  clearTimeout(force)
}

const readPeak = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
}

const pass = (...names: string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
