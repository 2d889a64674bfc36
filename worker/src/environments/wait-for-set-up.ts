import { wakeForBuild } from '@longhaul/core/src/environments/wake-for-build.ts'
import { statusEvent } from '../turn/settle-turn.ts'
import type { Stretch } from '../turn/stretch.ts'
import { requireSetUp, SetUpFailedError, SetUpPendingError } from './require-set-up.ts'

/**
 * Before the first model call of a session without a sandbox: its set-up is built beside the call, and one that is known to fail costs
 * no call. Whatever else goes wrong shows where the set-up is needed.
 */
export const beginSetUp = async (stretch: Stretch): Promise<'go_on' | 'let_go'> => {
  if (stretch.claim.environmentVersion.setupHash === null || stretch.claim.session.sandboxId !== null) return 'go_on'
  try {
    await requireSetUp(stretch)
  } catch (error) {
    if (error instanceof SetUpFailedError) return waitForSetUp(stretch, error)
    if (!(error instanceof SetUpPendingError)) stretch.parts.logger.warn({ err: error }, 'an environment could not be asked for early')
  }
  return 'go_on'
}

/** Lets go of the turn: until the build is over, or until a person has mended what made it fail. It holds no worker meanwhile. */
export const waitForSetUp = async (stretch: Stretch, error: SetUpPendingError | SetUpFailedError): Promise<'let_go'> => {
  const { parts, claim } = stretch
  const turnId = claim.turn.id
  if (error instanceof SetUpFailedError) {
    const about = error.buildId === null ? {} : { buildId: error.buildId }
    await stretch.append(
      [
        { type: 'harness.error', actor: 'platform', payload: { turnId, next: 'gave_up', message: error.message, ...about } },
        statusEvent('PAUSED', 'RESOURCES_FAILED'),
      ],
      { turn: { op: 'wait', turnId, reason: 'paused' } },
    )
    return 'let_go'
  }
  await stretch.append([statusEvent('QUEUED', null, 'environment: building')], {
    turn: { op: 'wait', turnId, reason: 'environment', scope: error.buildId },
  })
  // It may have ended since it was asked after, and whoever ended it saw nobody wait.
  stretch.send(await wakeForBuild(parts.db, { tenantId: claim.tenantId, id: error.buildId }))
  return 'let_go'
}
