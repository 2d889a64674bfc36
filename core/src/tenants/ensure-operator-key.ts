import type { Database } from '@longhaul/prisma/src/client.ts'
import { createId } from '../ids.ts'
import { createApiKeySecret } from './api-key.ts'

/**
 * Makes the operator's key where there is none, and returns its secret: the caller shows it, once. Null when there is one already, or
 * when another process is faster: a unique index lets one win.
 */
export const ensureOperatorKey = async (db: Database): Promise<string | null> => {
  const { secret, prefix, hash } = createApiKeySecret()
  const { rowCount } = await db.system.query(
    "insert into api_key (id, tenant_id, name, role, prefix, hash) values ($1, null, 'operator', 'OPERATOR', $2, $3) on conflict do nothing",
    [createId('key'), prefix, hash],
  )
  return rowCount === 1 ? secret : null
}
