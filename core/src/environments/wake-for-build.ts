import type { Database } from '@longhaul/prisma/src/client.ts'
import { retrySerialization, type Wake } from '../log/append-events.ts'

/** For a turn that has begun to wait while the build came to its end: whoever ended it saw nobody wait. Returns the jobs to add. */
export const wakeForBuild = async (db: Pick<Database, 'app'>, { tenantId, id }: { tenantId: string; id: string }): Promise<Wake[]> => {
  const { rows } = await retrySerialization(() => db.app.query<{ wakes: Wake[] }>('select wake_for_build($1, $2) as wakes', [tenantId, id]))
  return rows[0]?.wakes ?? []
}

/** What dead workers were building is asked for again, and no turn waits for what is over. Returns the jobs to add. */
export const sweepBuilds = async (db: Pick<Database, 'system'>): Promise<Wake[]> => {
  const { rows } = await retrySerialization(() => db.system.query<{ wakes: Wake[] }>('select sweep_builds() as wakes'))
  return rows[0]?.wakes ?? []
}
