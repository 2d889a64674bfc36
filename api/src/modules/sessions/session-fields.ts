import type { RequestContext } from '../../context.ts'
import type { Resolvers } from '../../generated/resolver-types.ts'
import { ID_KEY, parsePage, toConnection } from '../../graphql/connection.ts'
import { readUsage } from '../budgets/read-usage.ts'
import { readEventPage } from '../events/read-event-page.ts'
import { loadOne } from '../load-one.ts'
import { pageOf } from '../page-of.ts'
import type { EvaluationRow, SessionParent, SessionRow } from '../parents.ts'

/** The session's row, read only when a field needs it. */
const rowOf = ({ id, tenantId, row }: SessionParent, context: RequestContext): SessionRow | Promise<SessionRow> =>
  row ?? loadOne(context.tenant(tenantId).load.session, 'session', id)

/** A field that is a column, or is made of a few. */
const of =
  <T>(pick: (row: SessionRow, context: RequestContext) => T | Promise<T>) =>
  (parent: SessionParent, _: unknown, context: RequestContext): T | Promise<T> => {
    const row = rowOf(parent, context)
    return row instanceof Promise ? row.then((found) => pick(found, context)) : pick(row, context)
  }

const reads = (row: SessionRow, context: RequestContext) => context.tenant(row.tenantId)

export const sessionFields: NonNullable<Resolvers['Session']> = {
  title: of((row) => row.title),
  prompt: of((row) => row.prompt),
  status: of((row) => row.status),
  stopReason: of((row) => row.stopReason),
  activity: of((row) => (row.status === 'QUEUED' || row.status === 'RUNNING' ? row.activity : null)),
  agent: of((row, context) => loadOne(reads(row, context).load.agent, 'agent', row.agentId)),
  agentVersion: of((row, context) => loadOne(reads(row, context).load.agentVersion, 'agent version', row.agentVersionId)),
  environment: of((row, context) => loadOne(reads(row, context).load.environment, 'environment', row.environmentId)),
  environmentVersion: of((row, context) =>
    loadOne(reads(row, context).load.environmentVersion, 'environment version', row.environmentVersionId),
  ),
  metadata: of((row) => row.metadata),
  head: of((row) => row.head),
  headHash: of((row) => row.headHash),
  maxEvaluations: of((row) => row.maxEvaluations),
  evaluationRounds: of((row) => row.evaluationRounds),
  createdAt: of((row) => row.createdAt),
  updatedAt: of((row) => row.updatedAt),
  completedAt: of((row) => row.completedAt),
  usage: of(async (row, context) => {
    const spend = await reads(row, context).load.spend.load(row.id)
    return {
      costUsd: spend?.totalSpent ?? 0n,
      reservedUsd: spend?.totalReserved ?? 0n,
      inputTokens: Number(row.inputTokens),
      outputTokens: Number(row.outputTokens),
      cacheReadTokens: Number(row.cacheReadTokens),
      cacheWriteTokens: Number(row.cacheWriteTokens),
      turns: row.turns,
      toolCalls: row.toolCalls,
      activeSeconds: Number(row.activeMs) / 1_000,
      sandboxSeconds: Number(row.sandboxMs) / 1_000,
    }
  }),
  usageBy: ({ id, tenantId }, { groupBy }, context) => readUsage(context.tenant(tenantId), { groupBy, sessionId: id }),
  budgets: of((row, context) => reads(row, context).load.budgetsOfScope.load(row.id)),
  doneConditions: of((row, context) => reads(row, context).load.conditionsOfSession.load(row.id)),
  threads: of((row, context) => reads(row, context).load.threadsOfSession.load(row.id)),
  sandbox: of((row, { principal }) =>
    row.sandboxState === null
      ? null
      : {
          // One that became an image has no container to be named by.
          id: row.sandboxId ?? row.id,
          state: row.sandboxState,
          provider: row.sandboxProvider ?? '',
          host: principal.role === 'OPERATOR' ? row.engineId : null,
          image: row.sandboxImage ?? '',
          lastUsedAt: row.sandboxUsedAt ?? row.updatedAt,
        },
  ),
  evaluations: async ({ id, tenantId }, args, context) => {
    const page = parsePage(args, { size: 20, isKey: ID_KEY })
    const rows = await pageOf<EvaluationRow>(context.tenant(tenantId), 'evaluation', { page, id })
    return toConnection(rows, page, { key: (row) => row.id, node: (row) => row })
  },
  events: ({ id, tenantId }, args, context) => readEventPage(context.tenant(tenantId), id, args),
}
