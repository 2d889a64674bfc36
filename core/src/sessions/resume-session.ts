import { PlatformError } from '../errors.ts'
import { createId } from '../ids.ts'
import {
  type Caller,
  type Change,
  type CoreParts,
  changeSession,
  type LockedSession,
  refuseBacklog,
  refuseFinal,
  refuseSuspended,
} from './change-session.ts'

/** A paused session goes on where it stopped; a wish to pause that was not obeyed yet is taken back. */
export const resumeSession = async (parts: CoreParts, caller: Caller, { sessionId }: { sessionId: string }): Promise<void> => {
  await changeSession(parts, { tenantId: caller.tenantId, sessionId }, (session) => decideResume(session, caller.keyId))
}

export const decideResume = (session: LockedSession, actor: string): Change | null => {
  refuseFinal(session, 'resumed')
  refuseSuspended(session)
  if (session.control === 'pause') return { events: [], turn: { op: 'control', control: null }, control: true }
  if (session.status === 'QUEUED' || session.status === 'RUNNING') return null
  if (session.status !== 'PAUSED') {
    throw new PlatformError(
      'CONFLICT',
      `Session ${session.id} is ${session.status}: only a PAUSED one can be resumed. Send it a message instead.`,
      { status: session.status },
    )
  }
  refuseBacklog(session)
  return {
    events: [{ type: 'session.status', actor, payload: { status: 'QUEUED', stopReason: null, activity: null } }],
    turn: { op: 'ensure', next: { id: createId('trn'), kind: 'work' } },
  }
}
