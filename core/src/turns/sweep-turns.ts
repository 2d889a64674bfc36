import type { Database } from '@longhaul/prisma/src/client.ts'
import { retrySerialization, type Wake } from '../log/append-events.ts'

export type Presumed = { tenantId: string; sessionId: string; head: number }

/** Without a worker of its engine for so long, a session goes on at another one. */
const MOVE_AFTER_MS = 15_000

/**
 * One sweep of all tenants, or nothing when another worker is at it: ends dead workers' claims, finds turns that should run and do
 * not, presumes the calls of the dead. Returns the jobs to add and the sessions whose log grew. One call that
 * can't be presumed keeps nobody else waiting: it is among the failures, and comes again with the next sweep.
 */
export const sweepTurns = async (
  db: Database,
  { moveAfterMs = MOVE_AFTER_MS }: { moveAfterMs?: number } = {},
): Promise<{ ran: boolean; wakes: Wake[]; presumed: Presumed[]; failures: unknown[] }> => {
  const { rows } = await retrySerialization(() =>
    db.system.query<{ result: { ran: boolean; wakes: Wake[]; presume: { tenantId: string; reservationId: string }[] } }>(
      'select sweep_turns($1) as result',
      [moveAfterMs],
    ),
  )
  const { ran, wakes, presume } = (rows[0] as (typeof rows)[number]).result
  const presumed: Presumed[] = []
  const failures: unknown[] = []
  for (const reservation of presume) {
    const result = await presumeCall(db, reservation).catch((error: unknown) => void failures.push(error))
    if (!result?.presumed) continue
    presumed.push({ tenantId: reservation.tenantId, sessionId: result.sessionId, head: result.head })
    wakes.push(...result.wakes)
  }
  return { ran, wakes, presumed, failures }
}

const presumeCall = async (db: Database, { tenantId, reservationId }: { tenantId: string; reservationId: string }) => {
  const { rows } = await retrySerialization(() =>
    db.app.query<{ result: { presumed: boolean; sessionId: string; head: number; wakes: Wake[] } }>(
      'select presume_reservation($1, $2) as result',
      [tenantId, reservationId],
    ),
  )
  return (rows[0] as (typeof rows)[number]).result
}
