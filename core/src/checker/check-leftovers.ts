import type { SnapshotStore } from '../checkpoints/snapshot-store.ts'
import { instanceOf } from '../instance-of.ts'
import { type FoundContainer, listBuildContainers, listCheckpointImages, listContainers, listSetUpImages } from './list-containers.ts'
import { readAsTenants } from './read-as-tenants.ts'
import type { Scope } from './report.ts'

type Owner = { id: string; gone: boolean; running: boolean }
type Outside = { databaseUrl: string; dockerHost: string | null; snapshots: SnapshotStore | null; tenantIds: readonly string[] }

/** R10: after the reaper's interval nothing is left that nobody owns: containers and images by their label, stored snapshots by their rows. */
export const checkLeftovers = async (
  scope: Omit<Scope, 'tenantId'>,
  { databaseUrl, dockerHost, snapshots, tenantIds }: Outside,
): Promise<void> => {
  const before = Date.now() - scope.graceMs
  if (snapshots === null) scope.unchecked.push({ rule: 'R10', why: 'no snapshot store was given', whole: false })
  else await checkStored(scope, { snapshots, tenantIds, before })
  if (dockerHost === null) {
    scope.unchecked.push({ rule: 'R10', why: 'no engine was given: containers were not looked for', whole: snapshots === null })
    return
  }
  await checkImages(scope, { dockerHost, tenantIds, before })
  await checkSetUps(scope, { dockerHost, tenantIds, before })
  const containers = await listContainers(dockerHost)
  const owners = new Map((await readOwners(scope, tenantIds)).map((owner) => [owner.id, owner]))
  const isOurs = ({ sessionId, tenantId }: FoundContainer) => owners.has(sessionId) || tenantIds.includes(tenantId)
  // What was made ahead names no tenant: it is ours if what belongs to our tenants, or we by our database's address, go by the same word.
  const instances = new Set([instanceOf(databaseUrl), ...containers.filter(isOurs).map(({ instance }) => instance)])
  const workers = await readWorkers(scope)
  for (const container of containers) {
    const owner = owners.get(container.sessionId)
    // Another installation on the same engine has its own database: only sessions of ours, or of tenants of ours, are ours to judge.
    if (!isOurs(container) && !(container.tenantId === '' && instances.has(container.instance))) continue
    if (container.createdAtMs > before) continue
    if (container.kind === 'warm') {
      if (!workers.has(container.workerId))
        scope.violations.push({
          rule: 'R10',
          at: container.id,
          what: `a warm container of worker ${container.workerId}, which is not there any more`,
        })
      continue
    }
    if (owner === undefined || owner.gone)
      scope.violations.push({
        rule: 'R10',
        at: container.id,
        what: `a ${container.kind} container of ${container.sessionId}, which needs none any more`,
      })
    else if (container.kind !== 'sandbox' && !owner.running)
      scope.violations.push({
        rule: 'R10',
        at: container.id,
        what: `a ${container.kind} container of ${container.sessionId}, and no turn of it runs`,
      })
  }
}

/** An image is wanted while somebody can go back to its checkpoint: its own session's people, or a fork's sandbox that is lost. */
const checkImages = async (
  scope: Omit<Scope, 'tenantId'>,
  { dockerHost, tenantIds, before }: { dockerHost: string; tenantIds: readonly string[]; before: number },
): Promise<void> => {
  const found = (await listCheckpointImages(dockerHost)).filter(
    ({ tenantId, createdAtMs }) => tenantIds.includes(tenantId) && createdAtMs <= before,
  )
  if (found.length === 0) return
  const rows = await readAsTenants<{ id: string }>(
    scope.client,
    tenantIds,
    `select k.id from checkpoint k join session s on s.id = k.session_id where k.id = any($1) and k.state in ('taking', 'whole') and (s.deleted_at is null or is_leaned_on(k.id)
       or exists (select from log_segment g join session f on f.id = g.session_id where g.source_session_id = s.id and f.deleted_at is null and g.to_seq = k.seq))`,
    [found.map(({ checkpointId }) => checkpointId)],
  )
  const wanted = new Set(rows.map(({ id }) => id))
  for (const { id, checkpointId } of found)
    if (!wanted.has(checkpointId))
      scope.violations.push({ rule: 'R10', at: id, what: `an image of checkpoint ${checkpointId}, which nobody can go back to` })
}

/**
 * A set-up's image is wanted while an environment may start sessions with it, or a session goes on with it; its container while it is
 * being built. What has changed within the grace may not have been looked at by the reaper.
 */
const checkSetUps = async (
  scope: Omit<Scope, 'tenantId'>,
  { dockerHost, tenantIds, before }: { dockerHost: string; tenantIds: readonly string[]; before: number },
): Promise<void> => {
  const images = (await listSetUpImages(dockerHost)).filter(({ tenantId }) => tenantIds.includes(tenantId))
  const builds = (await listBuildContainers(dockerHost)).filter(({ tenantId }) => tenantIds.includes(tenantId))
  if (images.length + builds.length === 0) return
  const rows = await readAsTenants<{ id: string; key: string | null; open: boolean; wanted: boolean }>(
    scope.client,
    tenantIds,
    `select b.id, b.key, b.state in ('asked', 'building') or coalesce(b.finished_at, b.created_at) > to_timestamp($1::bigint / 1000.0) as open,
       b.state = 'built' and exists (select from environment_version v join environment e on e.id = v.environment_id where v.setup_hash = b.setup_hash
         and ((v.version = e.latest_version and (e.archived_at is null or e.archived_at > to_timestamp($1::bigint / 1000.0)))
           or exists (select from session s where s.environment_version_id = v.id
             and ((s.deleted_at is null and s.status not in ('CANCELED', 'FAILED')) or s.updated_at > to_timestamp($1::bigint / 1000.0))))) as wanted
     from environment_build b`,
    [before],
  )
  const open = new Set(rows.filter((row) => row.open).map(({ id }) => id))
  const wanted = new Set(rows.filter((row) => row.open || row.wanted).map(({ key }) => key))
  for (const { id, buildId } of builds)
    if (!open.has(buildId)) scope.violations.push({ rule: 'R10', at: id, what: `a container of build ${buildId}, which has ended` })
  for (const { id, key } of images)
    if (!wanted.has(key))
      scope.violations.push({ rule: 'R10', at: id, what: 'an image with a set-up that no environment and no session needs' })
}

/** Snapshots, what people put in, pieces of what they are still sending, and what is kept for who downloads it. */
const NAMED_IN_STORE = `select content_hash as hash from snapshot union select content_hash from upload
  union select content_hash from open_upload_part union select content_hash from download union select content_hash from store_marker`

const checkStored = async (
  scope: Omit<Scope, 'tenantId'>,
  { snapshots, tenantIds, before }: { snapshots: SnapshotStore; tenantIds: readonly string[]; before: number },
): Promise<void> => {
  const rows = await readAsTenants<{ hash: string }>(scope.client, tenantIds, NAMED_IN_STORE)
  const owned = new Set(rows.map(({ hash }) => hash))
  for await (const { contentHash, storedAt } of snapshots.list()) {
    if (!owned.has(contentHash) && storedAt.getTime() < before)
      scope.violations.push({ rule: 'R10', at: contentHash, what: 'a stored snapshot that no row names' })
  }
}

/** Those that lived when all rows were read. */
const readWorkers = async ({ client }: Omit<Scope, 'tenantId'>): Promise<Set<string>> => {
  await client.query('set local role longhaul_system')
  const { rows } = await client.query<{ id: string }>('select worker_id as id from lease where expires_at > now()')
  return new Set(rows.map(({ id }) => id))
}

const readOwners = (scope: Omit<Scope, 'tenantId'>, tenantIds: readonly string[]): Promise<Owner[]> =>
  readAsTenants<Owner>(
    scope.client,
    tenantIds,
    `select s.id, (s.deleted_at is not null or s.status in ('CANCELED', 'FAILED')) as gone, exists (select from turn t where t.session_id = s.id and t.state = 'running') as running from session s`,
  )
