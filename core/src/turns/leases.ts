import type { Database } from '@longhaul/prisma/src/client.ts'
import type pg from 'pg'
import type { WorkerKind } from './claim-turn.ts'

export type HeldClaim = {
  tenantId: string
  threadId: string
  turnId: string
  sessionId: string
  epoch: number
  control: 'pause' | 'interrupt' | null
}

/** A new worker's sign of life. A worker whose lease has expired starts another (`again`) under a new id; it never revives the old one. */
export const startLease = async (
  db: Database,
  lease: { workerId: string; engineId: string | null; kind: WorkerKind; host: string; pid: number; leaseMs: number; again?: boolean },
): Promise<void> => {
  await db.system.query('select start_lease($1, $2, $3, $4, $5, $6, $7)', [
    lease.workerId,
    lease.engineId,
    lease.kind,
    lease.host,
    lease.pid,
    lease.leaseMs,
    lease.again ?? false,
  ])
}

/** Renews by the database's clock. `alive: false`: it had expired, and every claim under it is lost. `draining`: its engine is emptied. */
export const renewLease = async (
  db: Database,
  lease: { workerId: string; leaseMs: number },
): Promise<{ alive: boolean; draining?: boolean; claims: HeldClaim[] }> => {
  const { rows } = await db.system.query<{ result: { alive: boolean; draining?: boolean; claims: HeldClaim[] } }>({
    text: 'select renew_lease($1, $2) as result',
    values: [lease.workerId, lease.leaseMs],
    // A connection that lost its other end says nothing for hours: after a lease's length its answer is worth nothing.
    query_timeout: lease.leaseMs,
  } as pg.QueryConfig)
  return (rows[0] as (typeof rows)[number]).result
}

/** Ends a lease at once: what it still holds is found by the next sweep. */
export const endLease = async (db: Database, workerId: string): Promise<void> => {
  await db.system.query('update lease set expires_at = clock_timestamp() where worker_id = $1', [workerId])
}

/** The workers that live at this moment, in the same order for everybody who asks. Those that only run suspects are not among them. */
export const readWorkers = async (db: Database): Promise<{ workerId: string; engineId: string | null }[]> => {
  const { rows } = await db.system.query<{ workerId: string; engineId: string | null }>({
    name: 'read_workers',
    text: `select worker_id as "workerId", engine_id as "engineId" from lease where kind = 'worker' and expires_at > clock_timestamp() order by worker_id`,
  })
  return rows
}
