import type { Database } from '@longhaul/prisma/src/client.ts'
import type pg from 'pg'
import { notFound } from '../errors.ts'
import { createId } from '../ids.ts'
import { createApiKeySecret } from './api-key.ts'
import { asTenant } from './as-tenant.ts'
import type { Role } from './role.ts'

export type CreateApiKey = { tenantId: string; name: string; role: Exclude<Role, 'OPERATOR'>; expiresAt: Date | null }

export const createApiKey = async (
  db: Database,
  input: CreateApiKey,
  keep: (client: pg.ClientBase, answer: { keyId: string }) => Promise<void>,
): Promise<{ keyId: string; secret: string }> => {
  const keyId = createId('key')
  const { secret, prefix, hash } = createApiKeySecret()
  await asTenant(db, input.tenantId, async (client) => {
    const { rowCount } = await client.query('select 1 from tenant where id = $1', [input.tenantId])
    if (rowCount === 0) throw notFound('tenant', input.tenantId)
    await keep(client, { keyId })
    await insertApiKey(client, { id: keyId, ...input, prefix, hash })
  })
  return { keyId, secret }
}

export const insertApiKey = async (
  client: pg.ClientBase,
  row: CreateApiKey & { id: string; prefix: string; hash: string },
): Promise<void> => {
  await client.query('insert into api_key (id, tenant_id, name, role, expires_at, prefix, hash) values ($1, $2, $3, $4, $5, $6, $7)', [
    row.id,
    row.tenantId,
    row.name,
    row.role,
    row.expiresAt,
    row.prefix,
    row.hash,
  ])
}
