import type { Database } from '@longhaul/prisma/src/client.ts'
import { notFound } from '../errors.ts'
import { asTenant } from './as-tenant.ts'
import type { RetentionInput } from './create-tenant.ts'

export type UpdateTenant = {
  id: string
  name: string | null
  status: 'ACTIVE' | 'SUSPENDED' | null
  maxConcurrentSessions: number | null
  checkpointRetention: RetentionInput | null
}

/**
 * What is null stays, but for `dailyForDays`, which stays when it is left out. Turns of a suspended tenant are not woken, and those whose wake is on its way lose their slot, so that nobody
 * can claim them; the sweep wakes them when it is active again. Turns that run end their stretch.
 */
export const updateTenant = (db: Database, input: UpdateTenant): Promise<void> =>
  asTenant(db, input.id, async (client) => {
    const { allForHours, hourlyForDays, dailyForDays } = input.checkpointRetention ?? {}
    const { rowCount } = await client.query(
      `update tenant set name = coalesce($2, name), status = coalesce($3, status), max_concurrent_sessions = coalesce($4, max_concurrent_sessions),
         checkpoint_all_hours = coalesce($5, checkpoint_all_hours), checkpoint_hourly_days = coalesce($6, checkpoint_hourly_days),
         checkpoint_daily_days = case when $7 then $8 else checkpoint_daily_days end where id = $1`,
      [
        input.id,
        input.name,
        input.status,
        input.maxConcurrentSessions,
        allForHours,
        hourlyForDays,
        dailyForDays !== undefined,
        dailyForDays,
      ],
    )
    if (rowCount === 0) throw notFound('tenant', input.id)
    if (input.status !== 'SUSPENDED') return
    // Behind whoever gives out slots at this moment, having read that the tenant is active. A turn that is locked is being claimed.
    await client.query("select pg_advisory_xact_lock(hashtextextended('longhaul.slots:' || $1, 0))", [input.id])
    await client.query(
      "update turn set woken_at = null where id in (select id from turn where tenant_id = $1 and state = 'due' and woken_at is not null for no key update skip locked)",
      [input.id],
    )
  })
