import path from 'node:path'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { WakeJob } from '@longhaul/core/src/queue/wake-queue.ts'
import { createSuspectProcess, type SuspectKind, type SuspectProcess } from './suspect-process.ts'

export type SuspectRunner = { add(job: WakeJob, mustBeAlone: boolean): void; stop(): Promise<void> }

/** Processes that run one suspect each, and how many run in the one that takes a crowd. */
const LONERS = 3
const CROWD_SIZE = 64

/**
 * Runs the turns that were running when a worker died, in child processes: one that kills its process kills no worker, and only a death
 * alone counts against it. A few run alone from the start. A worker that died with hundreds leaves more than can be waited for one
 * after the other: those run in a crowd, and should that die, alone.
 */
export const createSuspectRunner = (logger: Logger, entry = path.join(import.meta.dirname, '../suspect-main.ts')): SuspectRunner => {
  const open = (kind: SuspectKind, atOnce: number): SuspectProcess => createSuspectProcess(logger, { entry, kind, atOnce })
  const loners = Array.from({ length: LONERS }, () => open('suspect', 1))
  const crowd = open('crowd', CROWD_SIZE)
  const all = [...loners, crowd]
  return {
    add: (job, mustBeAlone) => {
      if (loners.some((loner) => loner.has(job.turnId)) || (crowd.has(job.turnId) && !mustBeAlone)) return
      const [freest] = loners.toSorted((one, other) => one.size() - other.size()) as [SuspectProcess]
      if (mustBeAlone || freest.size() === 0) freest.add(job)
      else crowd.add(job)
    },
    stop: async () => {
      await Promise.all(all.map((process) => process.stop()))
    },
  }
}
