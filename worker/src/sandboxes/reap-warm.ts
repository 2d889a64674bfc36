import type { Logger } from '@longhaul/core/src/logger.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { SandboxProvider } from './sandbox.ts'

type Found = Awaited<ReturnType<SandboxProvider['list']>>[number]

/** One of this worker's own that it does not know may be known in a moment: it is being made. */
const YOUNG_MS = 25_000

/** Removes sandboxes that were made ahead, are no session's, and have lost the worker that would give them to one. */
export const reapWarm = async (
  { db, provider, logger, workerId }: { db: Pick<Database, 'system'>; provider: SandboxProvider; logger: Logger; workerId: string },
  found: readonly Found[],
): Promise<void> => {
  const { warm } = provider
  const all = found.filter(({ kind }) => kind === 'warm')
  if (warm === null || all.length === 0) return
  const { rows } = await db.system.query<{ id: string }>(
    'select worker_id as id from lease where worker_id = any($1) and expires_at > clock_timestamp()',
    [all.map((one) => one.workerId)],
  )
  const living = new Set(rows.map(({ id }) => id))
  for (const { id, workerId: maker, createdAt } of all) {
    const isForgotten = maker === workerId && !warm.holds(id) && Date.now() - createdAt.getTime() > YOUNG_MS
    if (living.has(maker ?? '') && !isForgotten) continue
    logger.info({ container: id, workerId: maker }, 'removing a sandbox made ahead, which nobody will give to a session')
    await warm.discard(id)
  }
}
