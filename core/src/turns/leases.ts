import type { Database } from '@longhaul/prisma/src/client.ts'

export type HeldClaim = { threadId: string; sessionId: string; epoch: number; control: 'pause' | 'interrupt' | null }

/** A new worker's sign of life. A worker whose lease has expired starts another under a new id; it never revives the old one. */
export const startLease = async (
  db: Database,
  lease: { workerId: string; engineId: string | null; kind: 'worker' | 'suspect'; host: string; pid: number; leaseMs: number },
): Promise<void> => {
  await db.system.query('select start_lease($1, $2, $3, $4, $5, $6)', [
    lease.workerId,
    lease.engineId,
    lease.kind,
    lease.host,
    lease.pid,
    lease.leaseMs,
  ])
}

/** Renews by the database's clock. `alive: false`: it had expired, and every claim under it is lost. */
export const renewLease = async (
  db: Database,
  lease: { workerId: string; leaseMs: number },
): Promise<{ alive: boolean; claims: HeldClaim[] }> => {
  const { rows } = await db.system.query<{ result: { alive: boolean; claims: HeldClaim[] } }>('select renew_lease($1, $2) as result', [
    lease.workerId,
    lease.leaseMs,
  ])
  return (rows[0] as (typeof rows)[number]).result
}

/** Ends a lease at once: what it still holds is found by the next sweep. */
export const endLease = async (db: Database, workerId: string): Promise<void> => {
  await db.system.query('update lease set expires_at = clock_timestamp() where worker_id = $1', [workerId])
}
