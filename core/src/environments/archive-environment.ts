import type { Database } from '@longhaul/prisma/src/client.ts'
import { notFound } from '../errors.ts'
import { asTenant } from '../tenants/as-tenant.ts'

/** No new session may use it; those that do go on. Archiving twice changes nothing. */
export const archiveEnvironment = (db: Database, tenantId: string, environmentId: string): Promise<void> =>
  asTenant(db, tenantId, async (client) => {
    const { rowCount } = await client.query(
      'update environment set archived_at = coalesce(archived_at, clock_timestamp()) where id = $1 and tenant_id = $2',
      [environmentId, tenantId],
    )
    if (rowCount === 0) throw notFound('environment', environmentId)
  })
