import type { Database } from '@longhaul/prisma/src/client.ts'
import { notFound } from '../errors.ts'
import { asTenant } from './as-tenant.ts'

export type UpdateTenant = { id: string; name: string | null; status: 'ACTIVE' | 'SUSPENDED' | null; maxConcurrentSessions: number | null }

/** What is null stays. Turns of a suspended tenant are not woken; the sweep wakes them when it is active again. */
export const updateTenant = (db: Database, input: UpdateTenant): Promise<void> =>
  asTenant(db, input.id, async (client) => {
    const { rowCount } = await client.query(
      'update tenant set name = coalesce($2, name), status = coalesce($3, status), max_concurrent_sessions = coalesce($4, max_concurrent_sessions) where id = $1',
      [input.id, input.name, input.status, input.maxConcurrentSessions],
    )
    if (rowCount === 0) throw notFound('tenant', input.id)
  })
