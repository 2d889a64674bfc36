import { type ChildProcess, fork } from 'node:child_process'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { WakeJob } from '@longhaul/core/src/queue/wake-queue.ts'
import type { WorkerKind } from '@longhaul/core/src/turns/claim-turn.ts'

/** What the worker and its child say to one another. */
export type SuspectMessage = { run: WakeJob } | { done: string } | { ready: true } | { alive: true }

export type SuspectProcess = {
  add(job: WakeJob): void
  /** Whether it has this turn, waiting or at hand. */
  has(turnId: string): boolean
  /** Turns that wait and that run. */
  size(): number
  stop(): Promise<void>
}

export type SuspectKind = Exclude<WorkerKind, 'worker'>

/** With nothing to do for so long, the child ends. */
const IDLE_MS = 10_000
/** A child that ends before it is ready (no database, no engine) is started again after this long, and twice as long each time. */
const RESTART_MS = 1_000
const MAX_RESTART_MS = 30_000
/** How often the child says that it lives, and how long its silence may last: one that hangs is killed like one that died. */
export const ALIVE_MS = 1_000
const SILENCE_MS = 20_000

/**
 * A child process that runs suspects, at most `atOnce` of them: what kills it kills no worker. It has a lease of its own, so that its
 * end is seen like any worker's, and is started and ended as there is work.
 */
export const createSuspectProcess = (
  logger: Logger,
  { entry, kind, atOnce }: { entry: string; kind: SuspectKind; atOnce: number },
): SuspectProcess => {
  const waiting = new Map<string, WakeJob>()
  let child: ChildProcess | null = null
  let isReady = false
  const running = new Set<string>()
  let idle: NodeJS.Timeout | undefined
  let restart: NodeJS.Timeout | null = null
  let restartMs = RESTART_MS
  let stopped = false
  let watchdog: NodeJS.Timeout | undefined

  const watch = (watched: ChildProcess): void => {
    clearTimeout(watchdog)
    watchdog = setTimeout(() => {
      logger.error({ turnIds: [...running] }, 'the process for suspects has fallen silent: it is killed')
      watched.kill('SIGKILL')
    }, SILENCE_MS)
    watchdog.unref()
  }

  const start = (): void => {
    const started = fork(entry, [kind], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
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
      if ('done' in message) running.delete(message.done)
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
    if (running.size > 0) logger.error({ turnIds: [...running], kind, ...how }, 'a suspect turn has killed its process')
    running.clear()
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
    if (stopped || restart !== null) return
    if (waiting.size === 0 && running.size === 0) {
      idle = setTimeout(() => {
        if (child?.connected) child.disconnect()
      }, IDLE_MS)
      idle.unref()
    } else if (waiting.size > 0 && (child === null || !child.connected)) {
      start()
    } else if (child !== null && isReady) {
      for (const job of [...waiting.values()].slice(0, atOnce - running.size)) {
        waiting.delete(job.turnId)
        running.add(job.turnId)
        child.send({ run: job } satisfies SuspectMessage)
      }
    }
  }

  return {
    add: (job) => {
      if (running.has(job.turnId)) return
      waiting.set(job.turnId, job)
      next()
    },
    has: (turnId) => waiting.has(turnId) || running.has(turnId),
    size: () => waiting.size + running.size,
    stop: async () => {
      stopped = true
      clearTimeout(idle)
      if (restart !== null) clearTimeout(restart)
      const ending = child
      if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return
      const exited = new Promise((resolve) => ending.once('exit', resolve))
      ending.kill('SIGTERM')
      await exited
    },
  }
}
