import type pg from 'pg'
import { PlatformError } from '../errors.ts'
import { createId } from '../ids.ts'
import { type Caller, type CoreParts, changeSession, refuseFinal } from '../sessions/change-session.ts'

export type NewCondition = { name: string; kind: 'COMMAND' | 'FILE' | 'UNCHANGED' | 'RUBRIC'; spec: Record<string, unknown> }

/** One more condition from now on. A session that has COMPLETED stays so until a message opens it again. */
export const addCondition = async (
  parts: CoreParts,
  caller: Caller,
  { sessionId, condition }: { sessionId: string; condition: NewCondition },
  before?: (client: pg.ClientBase, conditionId: string) => Promise<void>,
): Promise<{ conditionId: string }> => {
  const conditionId = createId('cnd')
  await changeSession(parts, { tenantId: caller.tenantId, sessionId }, async (session, client) => {
    refuseFinal(session, 'given conditions')
    await before?.(client, conditionId)
    const { rows } = await client.query('select 1 from condition where session_id = $1 and name = $2', [sessionId, condition.name])
    if (rows.length > 0) {
      throw new PlatformError('BAD_USER_INPUT', `Session ${sessionId} has a condition named ${JSON.stringify(condition.name)} already.`, {
        field: 'input.condition.name',
        reason: 'a name no other condition of the session has',
      })
    }
    return { events: [{ type: 'condition.added', actor: caller.keyId, payload: { conditionId, ...condition } }] }
  })
  return { conditionId }
}
