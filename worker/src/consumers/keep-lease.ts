import { hostname } from 'node:os'
import { createId } from '@longhaul/core/src/ids.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { WakeQueue } from '@longhaul/core/src/queue/wake-queue.ts'
import type { WorkerKind } from '@longhaul/core/src/turns/claim-turn.ts'
import { endLease, type HeldClaim, renewLease, startLease } from '@longhaul/core/src/turns/leases.ts'
import { releaseClaim } from '@longhaul/core/src/turns/release-claim.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { ActiveTurns } from './active-turns.ts'

export type LeaseKeeper = {
  /** The lease's id at this moment: another after one has expired. */
  workerId(): string
  /** Asks now, because an announcement said that a wish waits. */
  renewNow(): Promise<void>
  stop(): Promise<void>
}

/**
 * Renews this worker's sign of life. When the database says that it had expired, or has not been reachable for as long as it lives,
 * every turn at hand is lost: another worker may have it, and the database would refuse our writes anyway.
 */
export const keepLease = async (
  { db, active, queue, logger }: { db: Database; active: ActiveTurns; queue: Pick<WakeQueue, 'send'>; logger: Logger },
  options: { kind: WorkerKind; engineId: string | null; leaseMs: number; renewMs: number; onDraining?: (draining: boolean) => void },
): Promise<LeaseKeeper> => {
  let workerId = createId('wrk')
  let renewedAt = performance.now()
  let running: Promise<void> | null = null
  const begin = async (again: boolean) => {
    const next = createId('wrk')
    await startLease(db, {
      workerId: next,
      engineId: options.engineId,
      kind: options.kind,
      host: hostname(),
      pid: process.pid,
      leaseMs: options.leaseMs,
      again,
    })
    workerId = next
    renewedAt = performance.now()
  }
  await begin(false)

  const lettingGo = new Set<string>()
  /**
   * Held by a live worker that does not know of it, a turn would never run again. Beside the renewal: somebody's lock on this one session must
   * not cost the worker its lease, and all of its turns with it.
   */
  const letGo = async ({ tenantId, sessionId, threadId, epoch }: HeldClaim): Promise<void> => {
    if (lettingGo.has(threadId)) return
    lettingGo.add(threadId)
    logger.warn({ sessionId, epoch }, 'a claim that nobody here runs is let go')
    try {
      queue.send(await releaseClaim(db, { tenantId, threadId, epoch, dueInMs: 0 }))
    } catch (error) {
      logger.warn({ err: error, sessionId, epoch }, 'it could not be let go yet: the next renewal finds it again')
    } finally {
      lettingGo.delete(threadId)
    }
  }

  const renew = async (): Promise<void> => {
    const askedAt = performance.now()
    try {
      const { alive, draining, claims } = await renewLease(db, { workerId, leaseMs: options.leaseMs })
      if (alive) {
        renewedAt = askedAt
        options.onDraining?.(draining ?? false)
        for (const claim of active.reconcile(claims, askedAt)) void letGo(claim)
        return
      }
      logger.warn({ workerId, turns: active.size }, 'the lease had expired: every turn at hand is lost')
      active.loseAll('the lease had expired')
      await begin(true)
    } catch (error) {
      logger.warn({ err: error }, 'the lease could not be renewed')
      if (performance.now() - renewedAt > options.leaseMs) active.loseAll('the lease could not be renewed')
    }
  }
  const renewOnce = (): Promise<void> => {
    running ??= renew().finally(() => (running = null))
    return running
  }
  /** One that is on its way may have been asked before whatever is to be heard now. */
  const renewAfter = async (): Promise<void> => {
    await running
    await renewOnce()
  }
  const timer = setInterval(() => void renewOnce(), options.renewMs)
  return {
    workerId: () => workerId,
    renewNow: renewAfter,
    stop: async () => {
      clearInterval(timer)
      await running
      await endLease(db, workerId).catch((error: unknown) => logger.debug({ err: error }, 'the lease ends by itself'))
    },
  }
}
