import type { Database } from '@longhaul/prisma/src/client.ts'
import type pg from 'pg'
import { PlatformError } from '../errors.ts'
import { createId } from '../ids.ts'
import { createApiKeySecret } from './api-key.ts'
import { asTenant, setTenant } from './as-tenant.ts'
import { insertApiKey } from './create-api-key.ts'

/** What is null, or left out of `checkpointRetention`, has the platform's default. */
export type CreateTenant = {
  slug: string
  name: string
  maxConcurrentSessions: number | null
  checkpointRetention: RetentionInput | null
}

/** `dailyForDays: null` is "for as long as the session is there". */
export type RetentionInput = {
  allForHours: number | null
  hourlyForDays: number | null
  dailyForDays?: number | null | undefined
}

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
      `insert into tenant (id, slug, name, max_concurrent_sessions, checkpoint_all_hours, checkpoint_hourly_days, checkpoint_daily_days)
       values ($1, $2, $3, coalesce($4, 100), coalesce($5, 1), coalesce($6, 1), $7) on conflict (slug) do nothing`,
      [
        tenantId,
        input.slug,
        input.name,
        input.maxConcurrentSessions,
        input.checkpointRetention?.allForHours,
        input.checkpointRetention?.hourlyForDays,
        input.checkpointRetention?.dailyForDays,
      ],
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
