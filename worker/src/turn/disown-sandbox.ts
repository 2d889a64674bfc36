import { isHeld } from '@longhaul/core/src/turns/is-held.ts'
import { ClaimLostError, type Stretch } from './stretch.ts'

/**
 * The sandbox says that a newer claimant has it. Only the database knows that: the runner's words are the agent's, and one that is believed
 * would be left with its session for good. So either the claim is lost, ClaimLostError, or the sandbox lies, is removed, and counts as lost.
 */
export const disownSandbox = async ({ parts, claim }: Stretch): Promise<void> => {
  if (!(await isHeld(parts.db, { threadId: claim.thread.id, epoch: claim.epoch })))
    throw new ClaimLostError('the sandbox has heard a newer claimant')
  parts.logger.warn({ sessionId: claim.session.id, epoch: claim.epoch }, 'a sandbox that claims to be taken over is replaced')
  await parts.sandboxes.remove(claim.session.id)
}
