import type { Logger } from '@longhaul/core/src/logger.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { SandboxProvider } from '../sandboxes/sandbox.ts'

type Found = Awaited<ReturnType<SandboxProvider['list']>>[number]

/**
 * Lets go of containers and images of set-ups that nobody needs: found by label, so that a crash between making and recording leaves
 * nothing behind. What is made is recorded as under way before, so nothing is too young to be judged.
 */
export const reapSetUps = async (
  { db, provider, logger }: { db: Pick<Database, 'system'>; provider: SandboxProvider; logger: Logger },
  { builds, engineId }: { builds: readonly Found[]; engineId: string },
): Promise<void> => {
  const { setUps } = provider
  if (setUps === null) return
  const images = await setUps.list()
  const underWay = await findUnderWay(
    db,
    builds.map(({ buildId }) => buildId ?? ''),
  )
  for (const { id, buildId } of builds) {
    if (buildId !== null && underWay.has(buildId)) continue
    logger.info({ container: id, buildId }, 'removing a build that nobody waits for')
    await provider.removeById(id)
  }
  if (images.length === 0) return
  const wanted = await findWanted(db, { engineId, keys: images.map(({ key }) => key) })
  for (const { key, imageId } of images) {
    if (wanted.has(key)) continue
    logger.info({ imageId }, 'letting go of a set-up that no environment and no session needs')
    await setUps.remove(key)
  }
}

const findUnderWay = async (db: Pick<Database, 'system'>, ids: string[]): Promise<Set<string>> => {
  if (ids.length === 0) return new Set()
  const { rows } = await db.system.query<{ id: string }>("select id from environment_build where id = any($1) and state = 'building'", [
    ids,
  ])
  return new Set(rows.map(({ id }) => id))
}

/**
 * Under way, or the newest of its set-up while somebody may need it: new sessions of an environment's latest version, or sessions that
 * are there and may go on with an older one.
 */
const findWanted = async (db: Pick<Database, 'system'>, { engineId, keys }: { engineId: string; keys: string[] }): Promise<Set<string>> => {
  const { rows } = await db.system.query<{ key: string }>(
    `select b.key from environment_build b where b.engine_id = $1 and b.key = any($2) and (b.state in ('asked', 'building') or (b.state = 'built'
       and not exists (select from environment_build n where n.tenant_id = b.tenant_id and n.engine_id = b.engine_id and n.setup_hash = b.setup_hash
         and n.state = 'built' and n.created_at > b.created_at)
       and exists (select from environment_version v join environment e on e.id = v.environment_id
         where v.tenant_id = b.tenant_id and v.setup_hash = b.setup_hash and ((e.archived_at is null and v.version = e.latest_version)
           or exists (select from session s where s.tenant_id = v.tenant_id and s.environment_version_id = v.id and s.deleted_at is null
             and s.status not in ('CANCELED', 'FAILED'))))))`,
    [engineId, keys],
  )
  return new Set(rows.map(({ key }) => key))
}
