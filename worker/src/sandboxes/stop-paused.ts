import type { Database } from '@longhaul/prisma/src/client.ts'
import type { SandboxProvider } from './sandbox.ts'

/**
 * Stops those of the engine's frozen sandboxes that are more than `keep`, whoever froze them: the ones longest without work. The log says
 * SUSPENDED of both. One that a turn has taken, or a checkpoint holds still for a moment, is none of them.
 */
export const stopPaused = async (
  { db, provider }: { db: Pick<Database, 'system'>; provider: Pick<SandboxProvider, 'list' | 'stop'> },
  keep: number,
): Promise<void> => {
  const paused = (await provider.list()).filter((container) => container.kind === 'sandbox' && container.paused)
  if (paused.length <= keep) return
  const { rows } = await db.system.query<{ id: string }>(
    `select s.id from session s where s.id = any($1) and s.sandbox_state = 'SUSPENDED'
       and not exists (select from claim c where c.session_id = s.id and c.worker_id is not null)
     order by s.sandbox_used_at desc offset $2`,
    [paused.map(({ sessionId }) => sessionId), keep],
  )
  for (const { id } of rows) await provider.stop(id)
}
