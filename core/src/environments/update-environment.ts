import type { Database } from '@longhaul/prisma/src/client.ts'
import { conflict, notFound } from '../errors.ts'
import { asTenant } from '../tenants/as-tenant.ts'
import { insertEnvironmentVersion } from './create-environment.ts'
import { checkEnvironmentDefinition, type EnvironmentDefinition } from './environment-definition.ts'

/** What is undefined stays. */
export type UpdateEnvironment = { id: string; expectedVersion: number | null; name?: string | undefined } & {
  [K in keyof EnvironmentDefinition]?: EnvironmentDefinition[K] | undefined
}

type Row = EnvironmentDefinition & { name: string; version: number; archived: boolean }

/** A new version, always; the environment's row is locked, so two updates give two versions. */
export const updateEnvironment = async (db: Database, tenantId: string, input: UpdateEnvironment): Promise<void> => {
  checkEnvironmentDefinition(input)
  await asTenant(db, tenantId, async (client) => {
    await client.query('select 1 from environment where id = $1 and tenant_id = $2 for update', [input.id, tenantId])
    const { rows } = await client.query<Row>(
      `select e.name, e.latest_version as version, e.archived_at is not null as archived, v.image, v.cpus, v.memory_mb as "memoryMb",
         v.disk_mb as "diskMb", v.network, v.allowed_hosts as "allowedHosts", v.setup_script as "setupScript", v.idle_seconds as "idleSeconds",
         v.keep_awake_seconds as "keepAwakeSeconds"
       from environment e join environment_version v on v.environment_id = e.id and v.version = e.latest_version where e.id = $1 and e.tenant_id = $2`,
      [input.id, tenantId],
    )
    const [environment] = rows
    if (environment === undefined) throw notFound('environment', input.id)
    if (environment.archived) throw conflict(`Environment ${input.id} is archived.`, 'ARCHIVED')
    if (input.expectedVersion !== null && input.expectedVersion !== environment.version) {
      throw conflict(
        `Environment ${input.id} is at version ${environment.version}, not ${input.expectedVersion}: read it again.`,
        `VERSION_${environment.version}`,
      )
    }
    const version = environment.version + 1
    await client.query('update environment set name = $2, latest_version = $3 where id = $1', [
      input.id,
      input.name ?? environment.name,
      version,
    ])
    await insertEnvironmentVersion(client, {
      tenantId,
      environmentId: input.id,
      version,
      definition: {
        image: input.image ?? environment.image,
        cpus: input.cpus ?? environment.cpus,
        memoryMb: input.memoryMb ?? environment.memoryMb,
        diskMb: input.diskMb ?? environment.diskMb,
        network: input.network ?? environment.network,
        allowedHosts: input.allowedHosts ?? environment.allowedHosts,
        setupScript: input.setupScript === undefined ? environment.setupScript : input.setupScript,
        idleSeconds: input.idleSeconds === undefined ? environment.idleSeconds : input.idleSeconds,
        keepAwakeSeconds: input.keepAwakeSeconds ?? environment.keepAwakeSeconds,
      },
    })
  })
}
