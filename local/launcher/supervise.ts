// Keeps one of our processes running: started in a group of its own (a Ctrl-C at the terminal reaches only the launcher, which drains
// them in order), its output in a log file, started again whenever it ends by itself.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'

export type Supervised = {
  name: string
  pid(): number | undefined
  /** Rejects when it ends before `isReady` answers true. */
  ready: Promise<void>
  /** SIGTERM, then SIGKILL after `graceMs`; resolves when it is gone. */
  stop(graceMs: number): Promise<void>
  /** SIGKILL at once. */
  kill(): void
}

export type ProcessSpec = {
  name: string
  script: string
  env: NodeJS.ProcessEnv
  logFile: string
  /** Is given what it has logged since it was started first. */
  isReady: (log: string) => Promise<boolean>
  onRestart: (line: string) => void
  /** Heard after each start, so that a launcher that is killed leaves a trace of what it started. */
  onStart: () => void
}

/** First wait before a restart; doubled up to the second figure while it keeps ending at once. */
const RESTART_MS = { first: 250, most: 5_000 }
/** Who lived this long is healthy: its next end is a new one. */
const HEALTHY_MS = 10_000
const READY_POLL_MS = 25

export function supervise(spec: ProcessSpec): Supervised {
  let child: ChildProcess
  let stopping = false
  let waitMs = RESTART_MS.first
  let timer: NodeJS.Timeout | undefined
  mkdirSync(dirname(spec.logFile), { recursive: true })
  const logStart = statSync(spec.logFile, { throwIfNoEntry: false })?.size ?? 0

  function start(): void {
    const log = openSync(spec.logFile, 'a', 0o600)
    child = spawn(process.execPath, [spec.script], { env: spec.env, detached: true, stdio: ['ignore', log, log] })
    closeSync(log)
    const startedAt = Date.now()
    const { pid } = child
    child.once('error', () => {}) // 'close' follows
    child.once('close', (code, signal) => {
      if (stopping) return
      waitMs = Date.now() - startedAt > HEALTHY_MS ? RESTART_MS.first : Math.min(waitMs * 2, RESTART_MS.most)
      timer = setTimeout(() => {
        start()
        spec.onRestart(`${spec.name} (pid ${pid}) ended with ${signal ?? code}; started again as pid ${child.pid}`)
      }, waitMs)
    })
    spec.onStart()
  }

  async function waitUntilReady(): Promise<void> {
    const first = child
    while (!(await spec.isReady(readFileSync(spec.logFile).subarray(logStart).toString()))) {
      if (first.exitCode !== null || first.signalCode !== null) throw new Error(`${spec.name} ended at its start:\n${tail(spec.logFile)}`)
      if (stopping) throw new Error(`${spec.name} was stopped`)
      await new Promise((done) => setTimeout(done, READY_POLL_MS))
    }
  }

  start()
  return {
    name: spec.name,
    pid: () => child.pid,
    ready: waitUntilReady(),
    kill: () => {
      stopping = true
      clearTimeout(timer)
      child.kill('SIGKILL')
    },
    stop: async (graceMs) => {
      stopping = true
      clearTimeout(timer)
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
      const gone = new Promise((done) => child.once('close', done))
      child.kill('SIGTERM')
      const force = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await gone
      clearTimeout(force)
    },
  }
}

/** The end of a log, readable: pino's lines by their message. */
function tail(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-20)
  return [...lines.map(toMessage), `(${basename(logFile)} has more: ${logFile})`].join('\n')
}

function toMessage(line: string): string {
  if (!line.startsWith('{')) return line
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } }
    return [msg, err?.message].filter(Boolean).join(': ') || line
  } catch {
    return line // cut off in the middle
  }
}
