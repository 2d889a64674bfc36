import type { Announcer } from '@longhaul/core/src/log/announcer.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'

/** The log says that an idle sandbox was stopped, unless a turn has begun to use it again. */
export const recordSuspended = async (
  { db, announcer }: { db: Database; announcer: Announcer },
  { tenantId, sessionId }: { tenantId: string; sessionId: string },
): Promise<void> => {
  const { rows } = await db.app.query<{ result: { head: number } | null }>(
    "select note_sandbox($1, $2, null, 'RUNNING', 'SUSPENDED') as result",
    [tenantId, sessionId],
  )
  const head = rows[0]?.result?.head
  if (head !== undefined) announcer.announceHead({ tenantId, sessionId, head })
}
