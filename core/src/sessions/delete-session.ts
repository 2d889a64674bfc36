import { type Caller, type CoreParts, changeSession } from './change-session.ts'

/**
 * From now on nobody can read it; whoever runs it is fenced. Its log, files and sandbox go when the reaper comes by. What it spent
 * stays in the ledger.
 */
export const deleteSession = async (parts: CoreParts, caller: Caller, { sessionId }: { sessionId: string }): Promise<void> => {
  await changeSession(parts, { tenantId: caller.tenantId, sessionId }, async (session, client) => {
    await client.query('update session set deleted_at = clock_timestamp() where id = $1', [session.id])
    await client.query('update claim set epoch = epoch + 1, worker_id = null, turn_id = null where session_id = $1', [session.id])
    await client.query(
      "update turn set state = 'settled', outcome = 'deleted', settled_at = clock_timestamp(), woken_at = null where session_id = $1 and state <> 'settled'",
      [session.id],
    )
    return null
  })
  parts.announcer.announceControl(sessionId)
}
