import { releaseClaim } from '@longhaul/core/src/turns/release-claim.ts'
import type { TurnParts } from '../turn/stretch.ts'
import type { ActiveTurns } from './active-turns.ts'

/** A turn that has not ended is due again for anybody, with no crash counted against it. Its model call is aborted, its tool call goes on. */
export const handOver = async (parts: TurnParts, active: ActiveTurns): Promise<void> => {
  for (const turn of active.all()) {
    turn.wishes.leave('the worker stops')
    const wakes = await releaseClaim(parts.db, { tenantId: turn.tenantId, threadId: turn.threadId, epoch: turn.epoch, dueInMs: 0 }).catch(
      (error: unknown) => {
        parts.logger.warn({ err: error, sessionId: turn.sessionId }, 'a turn could not be handed over: the sweep will find it')
        return []
      },
    )
    parts.queue.send(wakes)
  }
}
