import type { WorkerKind } from '@longhaul/core/src/turns/claim-turn.ts'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'

export type Holder = { workerId: string; pid: number; kind: WorkerKind; epoch: number }

const LOOK_MS = 10

/** The process that holds the session's claim, once one does that is none of `not`. */
export const waitForHolder = async (
  { superuser }: TestDatabase,
  sessionId: string,
  { not = [], timeoutMs = 30_000 }: { not?: readonly string[]; timeoutMs?: number } = {},
): Promise<Holder> => {
  const until = Date.now() + timeoutMs
  for (;;) {
    const { rows } = await superuser.query<Holder>(
      `select c.worker_id as "workerId", l.pid, l.kind, c.epoch from claim c join lease l on l.worker_id = c.worker_id
       where c.session_id = $1 and l.expires_at > clock_timestamp() and c.worker_id <> all($2)`,
      [sessionId, not],
    )
    const [holder] = rows
    if (holder !== undefined) return holder
    if (Date.now() > until) throw new Error(`nobody has taken session ${sessionId}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
