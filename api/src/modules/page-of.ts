import { Prisma } from '@longhaul/prisma/generated/client.ts'
import DataLoader from 'dataloader'
import type { TenantReads } from '../context.ts'
import type { Page } from '../graphql/connection.ts'

/** Lists inside a list: the rows of one `parent.id`, which column orders them, and what a row holds. */
const LISTS = {
  agent_version: {
    table: 'agent_version',
    owner: 'agent_id = parent.id',
    order: 'version',
    columns:
      'id, tenant_id as "tenantId", agent_id as "agentId", version, model, judge_model as "judgeModel", system, tools, created_at as "createdAt"',
  },
  environment_version: {
    table: 'environment_version',
    owner: 'environment_id = parent.id',
    order: 'version',
    columns:
      'id, tenant_id as "tenantId", environment_id as "environmentId", version, image, cpus, memory_mb as "memoryMb", disk_mb as "diskMb", network, allowed_hosts as "allowedHosts", setup_script as "setupScript", idle_seconds as "idleSeconds", keep_awake_seconds as "keepAwakeSeconds", created_at as "createdAt"',
  },
  environment_build: {
    table: 'environment_build',
    owner: 'setup_hash = (select v.setup_hash from environment_version v where v.id = parent.id)',
    order: 'id',
    columns:
      'id, tenant_id as "tenantId", engine_id as "engineId", state, exit_code as "exitCode", failed_line as "failedLine", problem, log, log_truncated as "logTruncated", created_at as "createdAt", started_at as "startedAt", finished_at as "finishedAt"',
  },
  checkpoint: {
    table: 'checkpoint',
    owner: "session_id = parent.id and state = 'whole'",
    order: 'id',
    columns:
      'id, tenant_id as "tenantId", session_id as "sessionId", thread_id as "threadId", seq, label, trigger, snapshot_id as "snapshotId", created_at as "createdAt"',
  },
  fork: {
    table: 'session',
    owner: 'forked_from_id in (select k.id from checkpoint k where k.session_id = parent.id) and deleted_at is null',
    order: 'id',
    columns: 'id, tenant_id as "tenantId"',
  },
  evaluation: {
    table: 'evaluation',
    owner: 'session_id = parent.id',
    order: 'id',
    columns:
      'id, tenant_id as "tenantId", session_id as "sessionId", condition_id as "conditionId", round, seq, verdict, explanation, evidence, workspace_digest as "workspaceDigest", isolated, cost_nanos as "costNanos", created_at as "createdAt"',
  },
} as const

const loaders = new WeakMap<TenantReads, Map<string, DataLoader<string, unknown[]>>>()

/**
 * One page, newest first, of a list that hangs on each of many parents: parents that ask for the same page are answered by one
 * statement, so that a list of lists is two queries and not a hundred.
 */
export const pageOf = async <Row>(
  reads: TenantReads,
  list: keyof typeof LISTS,
  { page, id }: { page: Page; id: string },
): Promise<Row[]> => {
  const known = loaders.get(reads) ?? new Map<string, DataLoader<string, unknown[]>>()
  loaders.set(reads, known)
  const name = `${list} ${page.size} ${page.after}`
  const loader = known.get(name) ?? new DataLoader<string, unknown[]>((ids) => readPages(reads, list, { page, ids }))
  known.set(name, loader)
  return (await loader.load(id)) as Row[]
}

const readPages = async (
  { tenantId, read }: TenantReads,
  list: keyof typeof LISTS,
  { page, ids }: { page: Page; ids: readonly string[] },
): Promise<unknown[][]> => {
  const { table, owner, order, columns } = LISTS[list]
  const orderColumn = Prisma.raw(order)
  const key = order === 'version' ? Number(page.after) : page.after
  const after = page.after === null ? Prisma.empty : Prisma.sql`and ${orderColumn} < ${key}`
  const rows = await read(
    (prisma) => prisma.$queryRaw<{ owner: string }[]>`
      select parent.id as owner, item.* from unnest(${[...ids]}::text[]) parent(id) cross join lateral (
        select ${Prisma.raw(columns)} from ${Prisma.raw(table)} where ${Prisma.raw(owner)} and tenant_id = ${tenantId} ${after}
        order by ${orderColumn} desc limit ${page.size + 1}) item`,
  )
  const byOwner = Map.groupBy(rows, (row) => row.owner)
  return ids.map((id) => byOwner.get(id) ?? [])
}
