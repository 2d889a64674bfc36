import type { Database } from '@longhaul/prisma/src/client.ts'
import type pg from 'pg'
import { createId } from '../ids.ts'
import { asTenant } from '../tenants/as-tenant.ts'
import { checkEnvironmentDefinition, type EnvironmentDefinition, hashSetup } from './environment-definition.ts'

export type CreateEnvironment = EnvironmentDefinition & { name: string }

export const createEnvironment = async (
  db: Database,
  tenantId: string,
  input: CreateEnvironment,
  keep: (client: pg.ClientBase, answer: { environmentId: string }) => Promise<void>,
): Promise<{ environmentId: string }> => {
  checkEnvironmentDefinition(input)
  const environmentId = createId('env')
  await asTenant(db, tenantId, async (client) => {
    await keep(client, { environmentId })
    await client.query('insert into environment (id, tenant_id, name) values ($1, $2, $3)', [environmentId, tenantId, input.name])
    await insertEnvironmentVersion(client, { tenantId, environmentId, version: 1, definition: input })
  })
  return { environmentId }
}

export const insertEnvironmentVersion = async (
  client: pg.ClientBase,
  {
    tenantId,
    environmentId,
    version,
    definition,
  }: { tenantId: string; environmentId: string; version: number; definition: EnvironmentDefinition },
): Promise<void> => {
  await client.query(
    `insert into environment_version (id, tenant_id, environment_id, version, image, cpus, memory_mb, disk_mb, network, allowed_hosts, setup_script, setup_hash, idle_seconds, keep_awake_seconds)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      createId('evv'),
      tenantId,
      environmentId,
      version,
      definition.image,
      definition.cpus,
      definition.memoryMb,
      definition.diskMb,
      definition.network,
      definition.allowedHosts,
      definition.setupScript,
      hashSetup(definition),
      definition.idleSeconds,
      definition.keepAwakeSeconds,
    ],
  )
}
