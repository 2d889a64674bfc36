import type { Announcer } from '@longhaul/core/src/log/announcer.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'

/** The log says that a stopped sandbox was removed by somebody else, unless a turn has begun, which finds out by itself. */
export const recordGone = async (
  { db, announcer }: { db: Database; announcer: Announcer },
  { tenantId, sessionId, sandboxId }: { tenantId: string; sessionId: string; sandboxId: string },
): Promise<void> => {
  const { rows } = await db.app.query<{ result: { head: number } | null }>(
    "select note_sandbox($1, $2, $3, 'SUSPENDED', 'GONE') as result",
    [tenantId, sessionId, sandboxId],
  )
  const head = rows[0]?.result?.head
  if (head !== undefined) announcer.announceHead({ tenantId, sessionId, head })
}
