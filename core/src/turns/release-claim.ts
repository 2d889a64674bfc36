import type { Database } from '@longhaul/prisma/src/client.ts'
import { retrySerialization, type Wake } from '../log/append-events.ts'

/** Lets go of a claim whose turn was not brought to an end, with no crash counted; nothing happens under an older epoch. */
export const releaseClaim = async (
  db: Database,
  claim: { tenantId: string; threadId: string; epoch: number; dueInMs: number },
): Promise<Wake[]> => {
  const { rows } = await retrySerialization(() =>
    db.app.query<{ wakes: Wake[] }>('select release_claim($1, $2, $3, $4) as wakes', [
      claim.tenantId,
      claim.threadId,
      claim.epoch,
      claim.dueInMs,
    ]),
  )
  return rows[0]?.wakes ?? []
}
