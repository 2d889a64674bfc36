import type { Database } from '@longhaul/prisma/src/client.ts'

/** Whether no worker of this engine lives: nobody would look after what stays frozen there. */
export const isLastWorker = async (db: Pick<Database, 'system'>, engineId: string): Promise<boolean> => {
  const { rows } = await db.system.query(
    "select from lease where engine_id = $1 and kind = 'worker' and expires_at > clock_timestamp() limit 1",
    [engineId],
  )
  return rows.length === 0
}
