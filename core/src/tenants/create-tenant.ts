import type { Database } from '@longhaul/prisma/src/client.ts'
import type pg from 'pg'
import { PlatformError } from '../errors.ts'
import { createId } from '../ids.ts'
import { createApiKeySecret } from './api-key.ts'
import { asTenant, setTenant } from './as-tenant.ts'
import { insertApiKey } from './create-api-key.ts'

export type CreateTenant = { slug: string; name: string; maxConcurrentSessions: number | null }

/** A tenant with its first ADMIN key. `keep` runs in the same transaction, before anything is made. */
export const createTenant = async (
  db: Database,
  input: CreateTenant,
  keep: (client: pg.ClientBase, answer: { tenantId: string }) => Promise<void>,
): Promise<{ tenantId: string; adminKey: string }> => {
  const tenantId = createId('tnt')
  const key = createApiKeySecret()
  await asTenant(db, tenantId, async (client) => {
    await keep(client, { tenantId })
    await setTenant(client, tenantId)
    const { rowCount } = await client.query(
      'insert into tenant (id, slug, name, max_concurrent_sessions) values ($1, $2, $3, coalesce($4, 100)) on conflict (slug) do nothing',
      [tenantId, input.slug, input.name, input.maxConcurrentSessions],
    )
    if (rowCount === 0) throw new PlatformError('CONFLICT', `The slug ${input.slug} is taken.`, { field: 'input.slug', status: 'TAKEN' })
    await insertApiKey(client, {
      id: createId('key'),
      tenantId,
      name: 'admin',
      role: 'ADMIN',
      expiresAt: null,
      prefix: key.prefix,
      hash: key.hash,
    })
  })
  return { tenantId, adminKey: key.secret }
}
