import type { Database } from '@longhaul/prisma/src/client.ts'
import { recordGone } from '../sandboxes/record-gone.ts'
import { type Suspendable, suspendSession } from './suspend-session.ts'
import type { TakingParts } from './take-checkpoint.ts'

/** So many a pass: a host that has just stopped a thousand must not read and write all their layers at once. */
const MAX_PER_PASS = 8
/** One that could not be suspended lets the others have their turn for so long. */
const TRY_AGAIN_MS = 600_000

/** Suspends sandboxes of this engine that were stopped for want of work, and have been for so long. No timer stands for any of them. */
export const suspendIdle = async (
  parts: TakingParts,
  { engineId, workerId, afterMs }: { engineId: string; workerId: string; afterMs: number },
): Promise<void> => {
  const { provider } = parts.sandboxes
  if (provider.images === null) return
  const idle = await findIdle(parts.db, { engineId, afterMs })
  if (idle.length === 0) return
  const there = new Set((await provider.list()).map(({ id }) => id))
  for (const session of idle) {
    // Removed behind our back: it would be the first of every pass, and keep the others from their turn.
    if (!there.has(session.sandboxId)) {
      await recordGone(parts, session)
      continue
    }
    // Opened by this very worker: its next turn has begun, or its last has not let go.
    if (parts.sandboxes.attached().includes(session.sessionId)) continue
    await suspendSession(parts, workerId, session).catch((error: unknown) =>
      parts.logger.warn({ err: error, sessionId: session.sessionId }, 'an idle sandbox could not be suspended'),
    )
  }
}

const findIdle = async (
  db: Pick<Database, 'system'>,
  { engineId, afterMs }: { engineId: string; afterMs: number },
): Promise<Suspendable[]> => {
  const { rows } = await db.system.query<Suspendable>({
    name: 'find_idle_sandboxes',
    text: `select s.tenant_id as "tenantId", s.id as "sessionId", s.sandbox_id as "sandboxId", s.sandbox_image as image from session s
      where s.engine_id = $1 and s.sandbox_state = 'SUSPENDED' and s.sandbox_id is not null and s.deleted_at is null and s.status not in ('CANCELED', 'FAILED')
        and s.sandbox_used_at < clock_timestamp() - $2 * interval '1 millisecond'
        and not exists (select from claim c where c.session_id = s.id and c.worker_id is not null)
        and not exists (select from checkpoint k where k.session_id = s.id and k.trigger = 'SUSPEND' and k.state = 'failed'
          and k.created_at > clock_timestamp() - ${TRY_AGAIN_MS} * interval '1 millisecond')
      order by s.sandbox_used_at limit ${MAX_PER_PASS}`,
    values: [engineId, afterMs],
  })
  return rows
}
