/**
 * Owns who is who: tenants, roles, keys, and what a mutation answered before. Everything about a tenant is read and written under
 * row security, with its id set for the length of one transaction (invariant 11). Must never store or log a key.
 */
import type { Database } from '@longhaul/prisma/src/client.ts'
import type pg from 'pg'
import { retrySerialization } from '../log/append-events.ts'
import { inTransaction } from '../sessions/change-session.ts'

/** One transaction that sees one tenant's rows. `run` may be called again after a deadlock, so it must act on the database only. */
export const asTenant = <T>(db: Database, tenantId: string, run: (client: pg.ClientBase) => Promise<T>): Promise<T> =>
  retrySerialization(() =>
    inTransaction(db, async (client) => {
      await setTenant(client, tenantId)
      return run(client)
    }),
  )

export const setTenant = async (client: pg.ClientBase, tenantId: string): Promise<void> => {
  await client.query({ name: 'set_tenant', text: "select set_config('longhaul.tenant', $1, true)", values: [tenantId] })
}
