import { PlatformError } from '../errors.ts'
import { type Caller, type Change, type CoreParts, changeSession, type LockedSession, refuseFinal } from './change-session.ts'

/** The model call at hand finishes, no further tool starts. A session that nobody runs is paused at once. */
export const pauseSession = async (parts: CoreParts, caller: Caller, { sessionId }: { sessionId: string }): Promise<void> => {
  await changeSession(parts, { tenantId: caller.tenantId, sessionId }, (session) => decidePause(session, caller.keyId))
}

export const decidePause = (session: LockedSession, actor: string): Change | null => {
  refuseFinal(session, 'paused')
  // One that stopped at its budget goes on by itself, or is about to: its period has begun anew and nobody has taken it yet.
  const resumesByItself =
    session.turn?.state === 'due' || (session.turn?.state === 'waiting' && session.turn.waitReason === 'budget_reached')
  if ((session.status === 'PAUSED' && !resumesByItself) || session.control === 'pause') return null
  if (session.turn === null) {
    throw new PlatformError('CONFLICT', `Session ${session.id} is ${session.status}: there is nothing to pause.`, {
      status: session.status,
    })
  }
  if (session.turn.state === 'running') return { events: [], turn: { op: 'control', control: 'pause' }, control: true }
  return {
    events: [{ type: 'session.status', actor, payload: { status: 'PAUSED', stopReason: 'PAUSED_BY_USER', activity: null } }],
    turn: { op: 'park', reason: 'paused' },
  }
}
