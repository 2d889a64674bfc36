import type { Database } from '@longhaul/prisma/src/client.ts'
import type { UnreadMessage } from './view-turn.ts'

/** A person's wish that the session's running turn has not obeyed yet. */
export const readControl = async (db: Database, tenantId: string, sessionId: string): Promise<'pause' | 'interrupt' | null> => {
  const { rows } = await db.app.query<{ control: 'pause' | 'interrupt' | null }>('select read_control($1, $2) as control', [
    tenantId,
    sessionId,
  ])
  return rows[0]?.control ?? null
}

/** Messages of a thread that no turn has read yet, oldest first. */
export const readUnread = async (db: Database, of: { tenantId: string; sessionId: string; threadId: string }): Promise<UnreadMessage[]> => {
  const { rows } = await db.app.query<{ unread: UnreadMessage[] }>('select read_unread($1, $2, $3) as unread', [
    of.tenantId,
    of.sessionId,
    of.threadId,
  ])
  return rows[0]?.unread ?? []
}
