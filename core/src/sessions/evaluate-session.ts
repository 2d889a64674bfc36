import { PlatformError } from '../errors.ts'
import { createId } from '../ids.ts'
import { type Caller, type CoreParts, changeSession, refuseBacklog, refuseFinal } from './change-session.ts'
import { isStopped } from './send-message.ts'

/** Checks the conditions now, of a session that is not at work. While it works, the platform evaluates by itself. */
export const evaluateSession = async (parts: CoreParts, caller: Caller, { sessionId }: { sessionId: string }): Promise<void> => {
  await changeSession(parts, { tenantId: caller.tenantId, sessionId }, async (session, client) => {
    refuseFinal(session, 'evaluated')
    if (session.turn !== null || !isStopped(session)) {
      throw new PlatformError(
        'CONFLICT',
        `Session ${sessionId} is ${session.status}, in the middle of a turn: it will be evaluated when the agent ends its work.`,
        { status: session.status },
      )
    }
    const { rows } = await client.query("select 1 from condition where session_id = $1 and status <> 'WAIVED' limit 1", [sessionId])
    if (rows.length === 0) throw new PlatformError('CONFLICT', `Session ${sessionId} has no done-conditions.`, { status: session.status })
    refuseBacklog(session)
    return {
      events: [{ type: 'session.status', actor: caller.keyId, payload: { status: 'QUEUED', stopReason: null, activity: 'evaluating' } }],
      turn: { op: 'ensure', next: { id: createId('trn'), kind: 'evaluate', round: session.evaluationRounds + 1 } },
    }
  })
}
