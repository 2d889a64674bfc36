import { ForeignStoreError } from '@longhaul/core/src/checkpoints/store-marker.ts'
import { requireSetUp, type SetUp, SetUpFailedError, SetUpPendingError } from '../environments/require-set-up.ts'
import { waitForSetUp } from '../environments/wait-for-set-up.ts'
import {
  type Sandbox,
  SandboxImageError,
  SandboxLostError,
  SandboxSilentError,
  SandboxUnavailableError,
  StaleEpochError,
} from '../sandboxes/sandbox.ts'
import { ResourcesFailedError } from '../sandboxes/sandbox-pool.ts'
import { disownSandbox } from './disown-sandbox.ts'
import { retryLater } from './retry-later.ts'
import { statusEvent } from './settle-turn.ts'
import { ClaimLostError, type Stretch } from './stretch.ts'

/** A machine that is too busy to start a container's runner is given this many more chances before the files are given up. */
const SILENT_ATTEMPTS = 2

/**
 * The session's sandbox with its resources in. Where none can be had the turn comes back later, or waits for a person if trying again
 * would not help.
 */
export const openSandbox = async (stretch: Stretch): Promise<Sandbox | 'let_go'> => {
  try {
    return await acquireHonest(stretch)
  } catch (error) {
    return letGo(stretch, error)
  }
}

/** Its runner may be the agent's own by now: one that says it is another's, or that has said nothing time after time, is made anew. */
const acquireHonest = async (stretch: Stretch): Promise<Sandbox> => {
  const { sandboxes } = stretch.parts
  try {
    return await sandboxes.acquire(stretch)
  } catch (error) {
    if (error instanceof StaleEpochError) await disownSandbox(stretch)
    else if (error instanceof SandboxSilentError && stretch.claim.turn.attempt >= SILENT_ATTEMPTS)
      await sandboxes.remove(stretch.claim.session.id)
    else throw error
    return sandboxes.acquire(stretch)
  }
}

/** The image with the environment's set-up, which checks run in. Its sandbox may have been made from it long ago, and it be gone since. */
export const openSetUp = async (stretch: Stretch): Promise<SetUp | null | 'let_go'> => {
  try {
    return await requireSetUp(stretch)
  } catch (error) {
    return letGo(stretch, error)
  }
}

const letGo = async (stretch: Stretch, error: unknown): Promise<'let_go'> => {
  if (stretch.wishes.lost.aborted) throw new ClaimLostError('lost while a sandbox started')
  if (error instanceof ClaimLostError) throw error
  if (error instanceof SetUpPendingError || error instanceof SetUpFailedError) return waitForSetUp(stretch, error)
  if (error instanceof ResourcesFailedError || error instanceof SandboxImageError) {
    await stretch.append(
      [
        { type: 'harness.error', actor: 'platform', payload: { turnId: stretch.claim.turn.id, next: 'gave_up', message: error.message } },
        statusEvent('PAUSED', 'RESOURCES_FAILED'),
      ],
      { turn: { op: 'wait', turnId: stretch.claim.turn.id, reason: 'paused' } },
    )
    return 'let_go'
  }
  stretch.parts.logger.warn({ err: error, sessionId: stretch.claim.session.id }, 'no sandbox could be opened')
  return retryLater(stretch, {
    message:
      error instanceof SandboxUnavailableError || error instanceof SandboxLostError || error instanceof ForeignStoreError
        ? error.message
        : 'the sandbox could not be started',
    status: null,
    retryAfterMs: null,
    final: false,
    costNanos: null,
  })
}
