import type { Prisma, PrismaClient, Snapshot, Spend } from '@longhaul/prisma/generated/client.ts'
import DataLoader from 'dataloader'
import type {
  AgentRow,
  AgentVersionRow,
  ApiKeyRow,
  BudgetRow,
  CheckpointRow,
  ConditionRow,
  EnvironmentBuildRow,
  EnvironmentRow,
  EnvironmentVersionRow,
  EvaluationRow,
  EventRow,
  SessionRow,
  TenantRow,
  ThreadRow,
} from './modules/parents.ts'
import type { TenantReader } from './tenant-reader.ts'

export type TenantLoaders = ReturnType<typeof createLoaders>

type Find<Row> = (prisma: PrismaClient, keys: string[]) => Prisma.PrismaPromise<Row[]>

const THREADS_SHOWN = 1_000

/**
 * What one request reads of one tenant, each row once. Every query names the tenant, although row security would do: each of the two
 * must hold alone.
 */
export const createLoaders = (read: TenantReader, tenantId: string) => {
  /** One row or null a key. `as` types the words that the database keeps as text. */
  const one = <Row>(find: Find<unknown>, keyOf: (row: Row) => string) =>
    new DataLoader<string, Row | null>(async (keys) => {
      const rows = (await read((prisma) => find(prisma, [...keys]))) as Row[]
      const byKey = new Map(rows.map((row) => [keyOf(row), row]))
      return keys.map((key) => byKey.get(key) ?? null)
    })

  const many = <Row>(find: Find<unknown>, keyOf: (row: Row) => string) =>
    new DataLoader<string, Row[]>(async (keys) => {
      const rows = (await read((prisma) => find(prisma, [...keys]))) as Row[]
      const byKey = Map.groupBy(rows, keyOf)
      return keys.map((key) => byKey.get(key) ?? [])
    })

  const byId = (keys: string[]) => ({ where: { tenantId, id: { in: keys } } })
  const id = (row: { id: string }) => row.id
  const latest = (keys: string[]) => ({ tenantId, id: { in: keys } })

  return {
    tenant: one<TenantRow>((prisma) => prisma.tenant.findMany({ where: { id: tenantId } }), id),
    apiKey: one<ApiKeyRow>((prisma, keys) => prisma.apiKey.findMany({ ...byId(keys), omit: { hash: true } }), id),
    agent: one<AgentRow>((prisma, keys) => prisma.agent.findMany(byId(keys)), id),
    agentVersion: one<AgentVersionRow>((prisma, keys) => prisma.agentVersion.findMany(byId(keys)), id),
    latestAgentVersion: one<AgentVersionRow>(
      (prisma, keys) =>
        prisma.agentVersion.findMany({ where: { tenantId, agent: latest(keys) }, orderBy: { version: 'desc' }, distinct: ['agentId'] }),
      (row) => row.agentId,
    ),
    environment: one<EnvironmentRow>((prisma, keys) => prisma.environment.findMany(byId(keys)), id),
    environmentVersion: one<EnvironmentVersionRow>((prisma, keys) => prisma.environmentVersion.findMany(byId(keys)), id),
    latestEnvironmentVersion: one<EnvironmentVersionRow>(
      (prisma, keys) =>
        prisma.environmentVersion.findMany({
          where: { tenantId, environment: latest(keys) },
          orderBy: { version: 'desc' },
          distinct: ['environmentId'],
        }),
      (row) => row.environmentId,
    ),
    environmentBuild: one<EnvironmentBuildRow>((prisma, keys) => prisma.environmentBuild.findMany(byId(keys)), id),
    session: one<SessionRow>((prisma, keys) => prisma.session.findMany({ where: { tenantId, id: { in: keys }, deletedAt: null } }), id),
    thread: one<ThreadRow>(
      (prisma, keys) => prisma.thread.findMany({ where: { tenantId, id: { in: keys }, session: { deletedAt: null } } }),
      id,
    ),
    threadsOfSession: many<ThreadRow>(
      (prisma, keys) =>
        prisma.thread.findMany({ where: { tenantId, sessionId: { in: keys } }, orderBy: { id: 'asc' }, take: THREADS_SHOWN * keys.length }),
      (row) => row.sessionId,
    ),
    condition: one<ConditionRow>(
      (prisma, keys) => prisma.condition.findMany({ where: { tenantId, id: { in: keys }, session: { deletedAt: null } } }),
      id,
    ),
    conditionsOfSession: many<ConditionRow>(
      (prisma, keys) =>
        prisma.condition.findMany({ where: { tenantId, sessionId: { in: keys } }, orderBy: [{ position: 'asc' }, { id: 'asc' }] }),
      (row) => row.sessionId,
    ),
    evaluation: one<EvaluationRow>(
      (prisma, keys) => prisma.evaluation.findMany({ where: { tenantId, id: { in: keys }, session: { deletedAt: null } } }),
      id,
    ),
    /** Whole ones only: the others are not yet, or never will be. */
    checkpoint: one<CheckpointRow>(
      (prisma, keys) =>
        prisma.checkpoint.findMany({
          where: { tenantId, id: { in: keys }, state: 'whole', session: { deletedAt: null } },
          omit: { context: true },
        }),
      id,
    ),
    snapshot: one<Snapshot>((prisma, keys) => prisma.snapshot.findMany(byId(keys)), id),
    budget: one<BudgetRow>((prisma, keys) => prisma.budget.findMany(byId(keys)), id),
    /** By the scope's own id: a tenant's, an agent's or a session's. */
    budgetsOfScope: many<BudgetRow>(
      (prisma, keys) => prisma.budget.findMany({ where: { tenantId, scopeId: { in: keys } }, orderBy: { id: 'asc' } }),
      (row) => row.scopeId,
    ),
    spend: one<Spend>(
      (prisma, keys) => prisma.spend.findMany({ where: { tenantId, scopeId: { in: keys } } }),
      (row) => row.scopeId,
    ),
    /** By `<sessionId> <seq>`. */
    event: one<EventRow & { sessionId: string }>(
      (prisma, keys) => {
        const sessionIds = keys.map((key) => key.slice(0, key.indexOf(' ')))
        const seqs = keys.map((key) => Number(key.slice(key.indexOf(' ') + 1)))
        return prisma.$queryRaw`
          select k.session_id as "sessionId", e.seq, e.type, case when e.thread_id = p.source_thread_id then p.thread_id else e.thread_id end as "threadId",
            e.actor, e.payload, e.hash, e.cost_nanos as "costNanos", e.created_at as "createdAt"
          from unnest(${sessionIds}::text[], ${seqs}::int[]) k(session_id, seq)
          join session s on s.id = k.session_id and s.tenant_id = ${tenantId} and s.deleted_at is null
          join log_piece p on p.session_id = k.session_id and p.tenant_id = ${tenantId} and k.seq between p.from_seq and p.to_seq
          join event e on e.session_id = p.source_session_id and e.seq = k.seq and e.tenant_id = ${tenantId}`
      },
      (row) => `${row.sessionId} ${row.seq}`,
    ),
  }
}
