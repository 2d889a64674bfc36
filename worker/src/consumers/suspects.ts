import { type ChildProcess, fork } from 'node:child_process'
import path from 'node:path'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { WakeJob } from '@longhaul/core/src/queue/wake-queue.ts'

/** What the worker and its child say to one another. */
export type SuspectMessage = { run: WakeJob } | { done: string } | { ready: true } | { alive: true }

export type SuspectRunner = { add(job: WakeJob): void; stop(): Promise<void> }

/** With nothing to do for so long, the child ends. */
const IDLE_MS = 10_000
/** A child that ends before it is ready (no database, no engine) is started again after this long, and twice as long each time. */
const RESTART_MS = 1_000
const MAX_RESTART_MS = 30_000
/** How often the child says that it lives, and how long its silence may last: one that hangs is killed like one that died. */
export const ALIVE_MS = 1_000
const SILENCE_MS = 20_000

/**
 * Runs suspects one at a time in a child process: one that kills its process kills nobody else's turn, and only a death alone counts
 * against it. The child has a lease of its own, so that its end is seen like any worker's.
 */
export const createSuspectRunner = (logger: Logger, entry = path.join(import.meta.dirname, '../suspect-main.ts')): SuspectRunner => {
  const waiting = new Map<string, WakeJob>()
  let child: ChildProcess | null = null
  let isReady = false
  let current: string | null = null
  let idle: NodeJS.Timeout | undefined
  let restart: NodeJS.Timeout | null = null
  let restartMs = RESTART_MS
  let stopped = false
  let watchdog: NodeJS.Timeout | undefined

  const watch = (watched: ChildProcess): void => {
    clearTimeout(watchdog)
    watchdog = setTimeout(() => {
      logger.error({ turnId: current }, 'the process for suspects has fallen silent: it is killed')
      watched.kill('SIGKILL')
    }, SILENCE_MS)
    watchdog.unref()
  }

  const start = (): void => {
    const started = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    child = started
    isReady = false
    started.on('message', (message: SuspectMessage) => {
      if (child !== started) return
      watch(started)
      if ('alive' in message) return
      if ('ready' in message) {
        isReady = true
        restartMs = RESTART_MS
      }
      if ('done' in message) current = null
      next()
    })
    started.on('exit', (code, signal) => end(started, { code, signal }))
    started.on('error', (error) => {
      logger.warn({ err: error }, 'the process for suspects reports an error')
      if (started.pid === undefined) end(started, { code: null, signal: null }) // it never began, and will not exit
    })
  }

  const end = (ended: ChildProcess, how: { code: number | null; signal: string | null }): void => {
    if (child !== ended) return
    child = null
    clearTimeout(watchdog)
    if (current !== null) logger.error({ turnId: current, ...how }, 'a suspect turn has killed its process')
    current = null
    if (isReady || stopped) {
      next()
      return
    }
    logger.warn({ ...how, restartMs }, 'the process for suspects ended before it was ready: it is started again later')
    restart = setTimeout(() => {
      restart = null
      next()
    }, restartMs)
    restartMs = Math.min(restartMs * 2, MAX_RESTART_MS)
  }

  const next = (): void => {
    clearTimeout(idle)
    if (stopped || current !== null || restart !== null) return
    const [job] = waiting.values()
    if (job === undefined) {
      idle = setTimeout(() => {
        if (child?.connected) child.disconnect()
      }, IDLE_MS)
      idle.unref()
    } else if (child === null || !child.connected) {
      start()
    } else if (isReady) {
      waiting.delete(job.turnId)
      current = job.turnId
      child.send({ run: job } satisfies SuspectMessage)
    }
  }

  return {
    add: (job) => {
      waiting.set(job.turnId, job)
      next()
    },
    stop: async () => {
      stopped = true
      clearTimeout(idle)
      if (restart !== null) clearTimeout(restart)
      const running = child
      if (running === null || running.exitCode !== null || running.signalCode !== null) return
      const exited = new Promise((resolve) => running.once('exit', resolve))
      running.kill('SIGTERM')
      await exited
    },
  }
}
