import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { claimsLost, turnErrors, turnsStarted } from '@longhaul/core/src/metrics/instruments.ts'
import type { WakeJob } from '@longhaul/core/src/queue/wake-queue.ts'
import { type ClaimedTurn, claimTurn, type WorkerKind } from '@longhaul/core/src/turns/claim-turn.ts'
import { releaseClaim } from '@longhaul/core/src/turns/release-claim.ts'
import { retryLater } from '../turn/retry-later.ts'
import { runTurn } from '../turn/run-turn.ts'
import { ClaimLostError, openStretch, type TurnParts } from '../turn/stretch.ts'
import { createWishes, type Wishes } from '../turn/wishes.ts'
import type { ActiveTurn, ActiveTurns } from './active-turns.ts'

export type Advancing = {
  parts: TurnParts
  active: ActiveTurns
  workerId: () => string
  engineId: string | null
  kind: WorkerKind
  /** A turn that was running when a worker died: it runs in a process for suspects, and alone there if it must. */
  onSuspect: (job: WakeJob, mustBeAlone: boolean) => void
}

/** Between attempts to let go of a claim while the database is away. */
const RELEASE_RETRY_MS = 500

/** Takes a wake: claims its turn and runs it until it lets go. A wake that claims nothing is done, and nothing has happened. */
export const advanceTurn = async (advancing: Advancing, job: WakeJob): Promise<void> => {
  const { parts, active } = advancing
  await parts.atPoint('before_claim')
  const asked = active.beginClaim(job.turnId)
  const result = await claimTurn(parts.db, {
    ...job,
    workerId: advancing.workerId(),
    engineId: advancing.engineId,
    kind: advancing.kind,
  }).finally(asked)
  if (result.refused !== undefined) {
    if (result.refused === 'suspect' || result.refused === 'alone') advancing.onSuspect(job, result.refused === 'alone')
    // The session has found its engine since the wake was sent: that engine's workers must hear it.
    if (result.refused === 'engine') parts.queue.send([{ ...job, wakeNo: Date.now(), engineId: result.engineId ?? null, rank: 1 }])
    if (result.refused === 'crash_loop' && result.sessionId !== undefined)
      parts.announcer.announceHead({ tenantId: job.tenantId, sessionId: result.sessionId, head: result.head ?? 0 })
    return
  }
  const claimed = withImage(result.claimed, parts.defaultImage)
  const wishes = createWishes(claimed.session.control)
  const turn: ActiveTurn = {
    tenantId: job.tenantId,
    sessionId: claimed.session.id,
    threadId: claimed.thread.id,
    turnId: job.turnId,
    epoch: claimed.epoch,
    wishes,
    startedAt: performance.now(),
  }
  active.add(turn)
  parts.sandboxes.occupy(turn.sessionId)
  turnsStarted.inc({ kind: claimed.turn.kind })
  try {
    if (claimed.session.status !== 'RUNNING')
      parts.announcer.announceHead({ tenantId: job.tenantId, sessionId: claimed.session.id, head: claimed.session.head })
    await parts.atPoint('after_claim')
    await runTurn(parts, claimed, wishes)
  } catch (error) {
    await endBadly(parts, { claimed, wishes, error })
  } finally {
    active.remove(turn)
    // A sandbox whose claim is lost may be another worker's by now, and its tool call still running: only who let go by itself stops it.
    const held = { sessionId: claimed.session.id, epoch: claimed.epoch }
    if (wishes.lost.aborted) parts.sandboxes.forget(held)
    else parts.sandboxes.release(held)
  }
}

/** An environment that names no image gets the platform's own. */
const withImage = (claimed: ClaimedTurn, defaultImage: string): ClaimedTurn =>
  claimed.environmentVersion.image === 'default'
    ? { ...claimed, environmentVersion: { ...claimed.environmentVersion, image: defaultImage } }
    : claimed

/** A lost claim needs no word. Anything else is our mistake, or the database's absence: the turn comes back later, and says so if it can. */
const endBadly = async (
  parts: TurnParts,
  { claimed, wishes, error }: { claimed: ClaimedTurn; wishes: Wishes; error: unknown },
): Promise<void> => {
  const about = { sessionId: claimed.session.id, turnId: claimed.turn.id }
  if (error instanceof ClaimLostError) {
    claimsLost.inc()
    parts.logger.info({ ...about, reason: error.message }, 'the claim was lost')
    return
  }
  turnErrors.inc()
  const errorId = randomUUID()
  parts.logger.error({ ...about, errorId, err: error }, 'a turn failed through no fault of its session')
  try {
    const stretch = openStretch(parts, claimed, wishes)
    await retryLater(stretch, {
      message: `an internal error (${errorId})`,
      status: null,
      retryAfterMs: null,
      final: false,
      costNanos: null,
    })
  } catch (again) {
    if (again instanceof ClaimLostError) return
    await letGo(parts, claimed, wishes)
  }
}

/** Until the database answers, or says that the claim is another's: a claim held by a live worker that does nothing would never end. */
const letGo = async (parts: TurnParts, claimed: ClaimedTurn, wishes: Wishes): Promise<void> => {
  while (!wishes.lost.aborted) {
    try {
      parts.queue.send(
        await releaseClaim(parts.db, { tenantId: claimed.tenantId, threadId: claimed.thread.id, epoch: claimed.epoch, dueInMs: 1_000 }),
      )
      return
    } catch (error) {
      parts.logger.debug({ err: error }, 'a claim could not be let go yet')
      await sleep(RELEASE_RETRY_MS)
    }
  }
}
