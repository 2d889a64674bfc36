import type { Database } from '@longhaul/prisma/src/client.ts'

/** Whether nobody has claimed the session since this epoch: only then may its sandbox be stopped. Its primary thread is its only one. */
export const isLastHolder = async (
  db: Pick<Database, 'system'>,
  { sessionId, epoch }: { sessionId: string; epoch: number },
): Promise<boolean> => {
  const { rows } = await db.system.query<{ epoch: number; held: boolean }>(
    'select epoch, worker_id is not null as held from claim where session_id = $1',
    [sessionId],
  )
  return rows.every((claim) => claim.epoch === epoch && !claim.held)
}
