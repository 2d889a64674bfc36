import type { Database } from '@longhaul/prisma/src/client.ts'
import { notFound } from '../errors.ts'
import { asTenant } from '../tenants/as-tenant.ts'

/** No new session may use it; those that do go on. Archiving twice changes nothing. */
export const archiveAgent = (db: Database, tenantId: string, agentId: string): Promise<void> =>
  asTenant(db, tenantId, async (client) => {
    const { rowCount } = await client.query(
      'update agent set archived_at = coalesce(archived_at, clock_timestamp()) where id = $1 and tenant_id = $2',
      [agentId, tenantId],
    )
    if (rowCount === 0) throw notFound('agent', agentId)
  })
