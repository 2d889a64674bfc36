import { notFound } from '../errors.ts'
import { type Caller, type CoreParts, changeSession, refuseFinal } from '../sessions/change-session.ts'

/** A person decides that a condition need not hold. It is never evaluated again. */
export const waiveCondition = async (
  parts: CoreParts,
  caller: Caller,
  { conditionId, sessionId, reason }: { conditionId: string; sessionId: string; reason: string },
): Promise<void> => {
  await changeSession(parts, { tenantId: caller.tenantId, sessionId }, async (session, client) => {
    refuseFinal(session, 'changed')
    const { rows } = await client.query<{ name: string; status: string }>(
      'select name, status from condition where id = $1 and session_id = $2',
      [conditionId, sessionId],
    )
    const [condition] = rows
    if (condition === undefined) throw notFound('condition', conditionId)
    if (condition.status === 'WAIVED') return null
    return { events: [{ type: 'condition.waived', actor: caller.keyId, payload: { conditionId, name: condition.name, reason } }] }
  })
}
