import type { Database } from '@longhaul/prisma/src/client.ts'

/** Whether a claim is still its holder's. A worker may ask for its own sake; what it writes is fenced by the epoch all the same. */
export const isHeld = async (db: Pick<Database, 'system'>, { threadId, epoch }: { threadId: string; epoch: number }): Promise<boolean> => {
  const { rows } = await db.system.query('select 1 from claim where thread_id = $1 and epoch = $2 and worker_id is not null', [
    threadId,
    epoch,
  ])
  return rows.length > 0
}
