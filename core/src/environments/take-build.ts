import type { Database } from '@longhaul/prisma/src/client.ts'
import { retrySerialization } from '../log/append-events.ts'

/** A build that this worker has taken, and what it is made from. `image`: as the environment names it. */
export type TakenBuild = {
  id: string
  tenantId: string
  attempts: number
  image: string
  network: string
  script: string
  cpus: number
  memoryMb: number
  diskMb: number
}

/** Builds of one engine that nobody has taken, oldest first. */
export const findAskedBuilds = async (
  db: Pick<Database, 'system'>,
  { engineId, limit }: { engineId: string; limit: number },
): Promise<{ id: string; tenantId: string }[]> => {
  const { rows } = await db.system.query<{ id: string; tenantId: string }>({
    name: 'find_asked_builds',
    text: `select id, tenant_id as "tenantId" from environment_build where engine_id = $1 and state = 'asked'
      and coalesce(retry_at <= clock_timestamp(), true) order by created_at limit $2`,
    values: [engineId, limit],
  })
  return rows
}

/** Null where another worker has it. */
export const takeBuild = async (
  db: Pick<Database, 'app'>,
  { tenantId, id, workerId }: { tenantId: string; id: string; workerId: string },
): Promise<TakenBuild | null> => {
  const { rows } = await retrySerialization(() =>
    db.app.query<{ build: TakenBuild | null }>('select take_build($1, $2, $3) as build', [tenantId, id, workerId]),
  )
  return rows[0]?.build ?? null
}
