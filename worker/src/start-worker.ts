import { setTimeout as sleep } from 'node:timers/promises'
import { archivesSettled } from './checkpoints/archive-checkpoint.ts'
import { startServingCheckpoints } from './checkpoints/serve-checkpoints.ts'
import { suspendIdle } from './checkpoints/suspend-idle.ts'
import { ActiveTurns } from './consumers/active-turns.ts'
import { type Advancing, advanceTurn } from './consumers/advance-turn.ts'
import { handOver } from './consumers/hand-over.ts'
import { startKeepingHouse } from './consumers/keep-house.ts'
import { keepLease } from './consumers/keep-lease.ts'
import { startWatchingPeers } from './consumers/peers.ts'
import { startReaping } from './consumers/reap.ts'
import { createSuspectRunner } from './consumers/suspects.ts'
import { startSweeping } from './consumers/sweep.ts'
import { startTakingWakes, type WakeTaker } from './consumers/take-wakes.ts'
import type { SetUpLimits } from './environments/build-set-up.ts'
import { startServingBuilds } from './environments/serve-builds.ts'
import { type DownloadLimits, startAnsweringLooks } from './files/answer-looks.ts'
import { recordSuspended } from './sandboxes/record-suspended.ts'
import type { SandboxProvider } from './sandboxes/sandbox.ts'
import type { TurnParts } from './turn/stretch.ts'

export type WorkerOptions = {
  concurrency: number
  leaseMs: number
  renewMs: number
  sweepMs: number
  /** Without a worker of its engine for so long, a session that has work goes on at another engine. */
  moveAfterMs: number
  reapMs: number
  /** How often one of all workers looks for what goes for good; every tenth time thoroughly. */
  houseMs: number
  /** A sandbox that was stopped for want of work becomes an image after so long. */
  suspendMs: number
  /** What an environment's set-up script may take. */
  setUp: SetUpLimits
  /** How long a stopping worker lets turns go on before it hands them over. */
  drainMs: number
  suspectEntry?: string
  downloads?: DownloadLimits
}

export type RunningWorker = { workerId(): string; stop(): Promise<void> }

/** Consumes wakes until it is stopped. On stop the turns at hand may end; those that don't are handed over, and none fails. */
export const startWorker = async (parts: TurnParts, options: WorkerOptions): Promise<RunningWorker> => {
  const { db, announcer, queue, logger, sandboxes, warm } = parts
  // Sweeping needs no engine: what dead workers held goes to those that have one, also while this one waits for its own.
  const sweeping = startSweeping(parts, { everyMs: options.sweepMs, moveAfterMs: options.moveAfterMs })
  const engineId = await findEngine(sandboxes.provider, parts)
  const active = new ActiveTurns()
  let wakes: WakeTaker | null = null
  let isDraining = false
  const lease = await keepLease(
    { db, active, queue, logger },
    {
      kind: 'worker',
      engineId,
      leaseMs: options.leaseMs,
      renewMs: options.renewMs,
      onDraining: (draining) => {
        isDraining = draining
        wakes?.drains(draining)
      },
    },
  )
  const peers = await startWatchingPeers(parts, { workerId: lease.workerId, everyMs: options.renewMs })
  const suspects = createSuspectRunner(logger, options.suspectEntry)
  const advancing: Advancing = { parts, active, workerId: lease.workerId, engineId, kind: 'worker', onSuspect: suspects.add }
  const looks = startAnsweringLooks(parts, { engineId, everyMs: options.sweepMs, downloads: options.downloads })
  const checkpoints = startServingCheckpoints(parts, { engineId, workerId: lease.workerId, everyMs: options.sweepMs })
  const builds = startServingBuilds(parts, { engineId, workerId: lease.workerId, everyMs: options.sweepMs, limits: options.setUp })
  const listening = announcer.listen({
    onControl: (sessionId) => {
      checkpoints.lookNow()
      if (active.ofSession(sessionId).length > 0) void lease.renewNow()
    },
    onWatched: (sessionIds) => parts.watched.add(sessionIds),
    onFileLook: (at) => {
      if (at !== engineId) return
      looks.lookNow()
      builds.lookNow()
    },
    onGap: () => void lease.renewNow(),
  })
  await listening
  const reaping = startReaping(
    {
      db,
      workerId: lease.workerId,
      provider: sandboxes.provider,
      logger,
      idleMs: sandboxes.idleMs,
      isAttached: (sessionId) => sandboxes.attached().includes(sessionId),
      onSuspended: (session) => recordSuspended(parts, session),
      suspendIdle: (at) => suspendIdle(parts, { engineId: at, workerId: lease.workerId(), afterMs: options.suspendMs }),
      stopPaused: () => sandboxes.stopExcess(),
    },
    options.reapMs,
  )
  warm.start({ workerId: lease.workerId, isBusy: () => sandboxes.isOpening(), everyMs: options.reapMs })
  const house = startKeepingHouse(parts, options.houseMs)
  const taking = await startTakingWakes(parts, {
    engineId,
    concurrency: options.concurrency,
    onWake: (job) => advanceTurn(advancing, job),
    takesHint: peers.isFirst,
  })
  wakes = taking
  taking.drains(isDraining)
  logger.info({ workerId: lease.workerId(), engineId, sandbox: sandboxes.provider.name }, 'the worker is ready')

  return {
    workerId: lease.workerId,
    stop: async () => {
      const drained = taking.stop()
      const suspectsEnded = suspects.stop()
      const buildsEnded = builds.stop(options.drainMs)
      await Promise.race([drained, sleep(options.drainMs, undefined, { ref: false })])
      await handOver(parts, active)
      await Promise.race([drained, sleep(5_000, undefined, { ref: false })])
      // What has no archive yet is of use on this engine alone.
      await Promise.race([archivesSettled(), sleep(options.drainMs, undefined, { ref: false })])
      await Promise.all([
        suspectsEnded,
        sweeping.stop(),
        reaping.stop(),
        house.stop(),
        looks.stop(),
        checkpoints.stop(),
        buildsEnded,
        warm.stop(),
        peers.stop(),
      ])
      await lease.stop()
      await queue.flush()
      await announcer.flush()
    },
  }
}

/** No engine, no sandbox: a session taken now would use up its retries, so it waits where it is, and the worker says so. */
const findEngine = async (provider: SandboxProvider, { logger }: Pick<TurnParts, 'logger'>): Promise<string> => {
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 10_000)) {
    try {
      return await provider.engineId()
    } catch (error) {
      logger.warn({ err: error }, 'no sandbox engine answers: sessions wait')
      await sleep(waitMs)
    }
  }
}
