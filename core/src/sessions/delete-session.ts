import { retrySerialization, type Wake } from '../log/append-events.ts'
import { type Caller, type CoreParts, inTransaction, lockSession, tell } from './change-session.ts'

/**
 * From now on nobody can read it; whoever runs it is fenced, and its slot is another's. Its log, files and sandbox go when the reaper comes
 * by. What it spent stays in the ledger.
 */
export const deleteSession = async (parts: CoreParts, { tenantId }: Caller, { sessionId }: { sessionId: string }): Promise<void> => {
  const { head, wakes } = await retrySerialization(() =>
    inTransaction(parts.db, async (client) => {
      const session = await lockSession(client, { tenantId, sessionId })
      await client.query('update session set deleted_at = clock_timestamp() where id = $1', [sessionId])
      await client.query('update claim set epoch = epoch + 1, worker_id = null, turn_id = null where session_id = $1', [sessionId])
      await client.query(
        "update turn set state = 'settled', outcome = 'deleted', settled_at = clock_timestamp(), woken_at = null where session_id = $1 and state <> 'settled'",
        [sessionId],
      )
      const { rows } = await client.query<{ wakes: Wake[] }>('select fill_slots($1) as wakes', [tenantId])
      return { head: session.head, wakes: rows[0]?.wakes ?? [] }
    }),
  )
  tell(parts, { tenantId, sessionId, head, wakes, control: true })
}
