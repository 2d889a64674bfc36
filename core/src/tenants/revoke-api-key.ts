import type { Database } from '@longhaul/prisma/src/client.ts'
import { notFound } from '../errors.ts'
import { asTenant } from './as-tenant.ts'

/** From now on the key opens nothing; sockets it has open close within 5 s. A key that is revoked already stays as it is. */
export const revokeApiKey = (db: Database, { tenantId, keyId }: { tenantId: string; keyId: string }): Promise<void> =>
  asTenant(db, tenantId, async (client) => {
    const { rowCount } = await client.query(
      'update api_key set revoked_at = coalesce(revoked_at, clock_timestamp()) where id = $1 and tenant_id = $2',
      [keyId, tenantId],
    )
    if (rowCount === 0) throw notFound('API key', keyId)
  })
