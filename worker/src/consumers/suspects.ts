import { type ChildProcess, fork } from 'node:child_process'
import path from 'node:path'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { WakeJob } from '@longhaul/core/src/queue/wake-queue.ts'

/** What the worker and its child say to one another. */
export type SuspectMessage = { run: WakeJob } | { done: string } | { ready: true }

export type SuspectRunner = { add(job: WakeJob): void; stop(): Promise<void> }

/** With nothing to do for so long, the child ends. */
const IDLE_MS = 10_000

/**
 * Runs suspects one at a time in a child process: one that kills its process kills nobody else's turn, and only a death alone counts
 * against it. The child has a lease of its own, so that its end is seen like any worker's.
 */
export const createSuspectRunner = (logger: Logger, entry = path.join(import.meta.dirname, '../suspect-main.ts')): SuspectRunner => {
  const waiting = new Map<string, WakeJob>()
  let child: ChildProcess | null = null
  let current: string | null = null
  let idle: NodeJS.Timeout | undefined
  let stopped = false

  const start = (): ChildProcess => {
    const started = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    started.on('message', (message: SuspectMessage) => {
      if ('done' in message) current = null
      next()
    })
    started.on('exit', (code, signal) => {
      if (current !== null) logger.error({ turnId: current, code, signal }, 'a suspect turn has killed its process')
      if (child === started) child = null
      current = null
      next()
    })
    return started
  }

  const next = (): void => {
    clearTimeout(idle)
    if (stopped || current !== null) return
    const [job] = waiting.values()
    if (job === undefined) {
      idle = setTimeout(() => child?.disconnect(), IDLE_MS)
      idle.unref()
      return
    }
    if (child === null || !child.connected) {
      child = start() // runs the job once it says that it is ready
      return
    }
    waiting.delete(job.turnId)
    current = job.turnId
    child.send({ run: job } satisfies SuspectMessage)
  }

  return {
    add: (job) => {
      waiting.set(job.turnId, job)
      if (child === null || current === null) next()
    },
    stop: async () => {
      stopped = true
      const running = child
      if (running === null) return
      const exited = new Promise((resolve) => running.once('exit', resolve))
      running.kill('SIGTERM')
      await exited
    },
  }
}
