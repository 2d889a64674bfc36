import type pg from 'pg'
import { isPricedModel } from '../budgets/prices.ts'
import { PlatformError } from '../errors.ts'
import type { NewEvent } from '../events/event.ts'
import { createId } from '../ids.ts'
import { appendEvents, retrySerialization } from '../log/append-events.ts'
import { type Caller, type CoreParts, inTransaction, refuseBacklog, tell } from './change-session.ts'
import { refuseLongText } from './send-message.ts'

export type SessionResource =
  | { kind: 'FILE'; path: string; content: Buffer }
  | { kind: 'GIT'; path: string; url: string; ref: string | null; commit: string }

export type CreateSession = {
  agentId: string
  environmentId: string
  title: string | null
  prompt: string
  conditions: { name: string; kind: 'COMMAND' | 'FILE' | 'UNCHANGED' | 'RUBRIC'; spec: Record<string, unknown> }[]
  budgetNanos: bigint | null
  maxEvaluations: number
  resources: SessionResource[]
  metadata: Record<string, unknown>
}

type Definition = { agentVersionId: string; model: string; judgeModel: string | null; environmentVersionId: string; network: string }

/**
 * One transaction: the session, its thread and claim, resources, budget, the first events and a turn that is due. `before` runs in it
 * first, and again where the transaction is tried again: the idempotency key is kept there. The input is already parsed.
 */
export const createSession = async (
  parts: CoreParts,
  caller: Caller,
  input: CreateSession,
  before?: (client: pg.ClientBase, sessionId: string) => Promise<void>,
): Promise<{ sessionId: string }> => {
  refuseLongText(input.prompt, 'prompt')
  const { tenantId } = caller
  const sessionId = createId('ses')
  const threadId = createId('thr')
  const create = async (client: pg.PoolClient) => {
    await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
    await before?.(client, sessionId)
    const definition = await readDefinition(client, tenantId, input)
    await refuseTooMuchWork(client, tenantId)
    await refuseUnpriced(client, tenantId, { input, definition })
    await client.query(
      `insert into session (id, tenant_id, title, prompt, agent_id, agent_version_id, environment_id, environment_version_id, metadata, primary_thread_id, max_evaluations)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        sessionId,
        tenantId,
        input.title,
        input.prompt,
        input.agentId,
        definition.agentVersionId,
        input.environmentId,
        definition.environmentVersionId,
        JSON.stringify(input.metadata),
        threadId,
        input.maxEvaluations,
      ],
    )
    await client.query('insert into thread (id, tenant_id, session_id, name) values ($1, $2, $3, $4)', [
      threadId,
      tenantId,
      sessionId,
      'main',
    ])
    await client.query('insert into claim (thread_id, tenant_id, session_id) values ($1, $2, $3)', [threadId, tenantId, sessionId])
    await addResources(client, { tenantId, sessionId, resources: input.resources })
    if (input.budgetNanos !== null) {
      await client.query(
        "insert into budget (id, tenant_id, scope, scope_id, period, set_by, limit_nanos) values ($1, $2, 'SESSION', $3, 'LIFETIME', 'TENANT', $4)",
        [createId('bgt'), tenantId, sessionId, input.budgetNanos.toString()],
      )
    }
    const append = await appendEvents(
      { client },
      {
        tenantId,
        sessionId,
        threadId,
        epoch: null,
        events: firstEvents(caller, input, definition),
        turn: { op: 'ensure', next: { id: createId('trn'), kind: 'work' } },
      },
    )
    if (append.refused !== undefined) throw new Error(`a session that was just made is ${append.refused}`)
    return append
  }
  const result = await retrySerialization(() => inTransaction(parts.db, create))
  tell(parts, { tenantId, sessionId, head: result.head, wakes: result.wakes, control: false })
  return { sessionId }
}

const firstEvents = (caller: Caller, input: CreateSession, definition: Definition): NewEvent[] => [
  {
    type: 'session.created',
    actor: caller.keyId,
    payload: {
      agentId: input.agentId,
      agentVersionId: definition.agentVersionId,
      environmentId: input.environmentId,
      environmentVersionId: definition.environmentVersionId,
      title: input.title,
      prompt: input.prompt,
      maxEvaluations: input.maxEvaluations,
      resources: input.resources.map((resource) => ({
        kind: resource.kind,
        path: resource.path,
        url: resource.kind === 'GIT' ? resource.url : null,
        commit: resource.kind === 'GIT' ? resource.commit : null,
      })),
    },
  },
  ...input.conditions.map(
    (condition): NewEvent => ({ type: 'condition.added', actor: caller.keyId, payload: { conditionId: createId('cnd'), ...condition } }),
  ),
  { type: 'session.status', actor: 'platform', payload: { status: 'QUEUED', stopReason: null, activity: null } },
  { type: 'user.message', actor: caller.keyId, payload: { text: input.prompt, mode: 'queue' } },
]

const readDefinition = async (client: pg.ClientBase, tenantId: string, { agentId, environmentId }: CreateSession): Promise<Definition> => {
  const { rows } = await client.query<Definition & { agentArchived: boolean; environmentArchived: boolean }>(
    `select av.id as "agentVersionId", av.model, av.judge_model as "judgeModel", ev.id as "environmentVersionId", ev.network,
       a.archived_at is not null as "agentArchived", e.archived_at is not null as "environmentArchived"
     from agent a join agent_version av on av.agent_id = a.id and av.version = a.latest_version
     left join environment e on e.id = $2 and e.tenant_id = $3 left join environment_version ev on ev.environment_id = e.id and ev.version = e.latest_version
     where a.id = $1 and a.tenant_id = $3`,
    [agentId, environmentId, tenantId],
  )
  const [found] = rows
  if (found === undefined) throw new PlatformError('NOT_FOUND', `There is no agent ${agentId}.`, { field: 'agentId' })
  if (found.environmentVersionId === null)
    throw new PlatformError('NOT_FOUND', `There is no environment ${environmentId}.`, { field: 'environmentId' })
  if (found.agentArchived) throw new PlatformError('CONFLICT', `Agent ${agentId} is archived.`, { field: 'agentId', status: 'ARCHIVED' })
  if (found.environmentArchived)
    throw new PlatformError('CONFLICT', `Environment ${environmentId} is archived.`, { field: 'environmentId', status: 'ARCHIVED' })
  return found
}

const refuseTooMuchWork = async (client: pg.ClientBase, tenantId: string): Promise<void> => {
  const { rows } = await client.query<{ backlog: string; status: 'ACTIVE' | 'SUSPENDED'; limit: number }>(
    "select (select count(*) from turn where tenant_id = $1 and state = 'due' and woken_at is null) as backlog, status, backlog_limit as limit from tenant where id = $1",
    [tenantId],
  )
  const [row] = rows
  if (row === undefined) throw new PlatformError('NOT_FOUND', `There is no tenant ${tenantId}.`)
  refuseBacklog({ backlog: Number(row.backlog), tenant: { status: row.status, backlogLimit: row.limit } })
}

/** A model without a price can't be held to a cap: refused here, where the caller can still choose another. */
const refuseUnpriced = async (
  client: pg.ClientBase,
  tenantId: string,
  { input, definition }: { input: CreateSession; definition: Definition },
): Promise<void> => {
  const rubrics = input.conditions.flatMap(({ kind, spec }) =>
    kind === 'RUBRIC' && typeof spec['model'] === 'string' ? [spec['model']] : [],
  )
  const unpriced = [definition.model, ...(definition.judgeModel === null ? [] : [definition.judgeModel]), ...rubrics].find(
    (model) => !isPricedModel(model),
  )
  if (unpriced === undefined) return
  const { rows } = await client.query('select 1 from budget where tenant_id = $1 and (scope, scope_id) in (($2, $3), ($4, $5)) limit 1', [
    tenantId,
    'TENANT',
    tenantId,
    'AGENT',
    input.agentId,
  ])
  if (rows.length === 0 && input.budgetNanos === null) return
  throw new PlatformError('BAD_USER_INPUT', `The model ${unpriced} has no price, so it can't be held to a budget.`, {
    field: 'agentId',
    reason: 'an agent whose models have prices, or no budget above the session',
  })
}

const addResources = async (
  client: pg.ClientBase,
  { tenantId, sessionId, resources }: { tenantId: string; sessionId: string; resources: SessionResource[] },
): Promise<void> => {
  for (const [position, resource] of resources.entries()) {
    const git = resource.kind === 'GIT' ? resource : null
    await client.query(
      'insert into session_resource (session_id, position, tenant_id, kind, path, content, url, ref, commit) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
      [
        sessionId,
        position,
        tenantId,
        resource.kind,
        resource.path,
        resource.kind === 'FILE' ? resource.content : null,
        git?.url ?? null,
        git?.ref ?? null,
        git?.commit ?? null,
      ],
    )
  }
}
