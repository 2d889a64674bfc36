import { PlatformError } from '../errors.ts'
import { type Caller, type CoreParts, changeSession } from './change-session.ts'

/** Final. The epoch rises, so whoever runs a turn is fenced at once and told to stop; his call in flight is settled without a claim. */
export const cancelSession = async (
  parts: CoreParts,
  caller: Caller,
  { sessionId, reason }: { sessionId: string; reason: string | null },
): Promise<void> => {
  await changeSession(parts, { tenantId: caller.tenantId, sessionId }, (session) => {
    if (session.status === 'CANCELED') return null
    if (session.status === 'FAILED') {
      throw new PlatformError('CONFLICT', `Session ${sessionId} has FAILED already.`, { status: session.status })
    }
    return {
      events: [
        {
          type: 'session.status',
          actor: caller.keyId,
          payload: { status: 'CANCELED', stopReason: 'CANCELED_BY_USER', activity: null, ...(reason === null ? {} : { reason }) },
        },
      ],
      turn: { op: 'cancel', control: null },
      control: true,
    }
  })
}
