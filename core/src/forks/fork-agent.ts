import type pg from 'pg'
import { isPricedModel } from '../budgets/prices.ts'
import { PlatformError } from '../errors.ts'
import type { ForkSource } from './fork-source.ts'

export type ForkAgent = { agentId: string; agentVersionId: string; model: string; judgeModel: string | null }

/** The newest version of the agent that a fork is to be run by. */
export const readForkAgent = async (
  client: pg.ClientBase,
  { tenantId, agentId, index }: { tenantId: string; agentId: string; index: number },
): Promise<ForkAgent> => {
  const field = `input.forks.${index}.agentId`
  const { rows } = await client.query<ForkAgent & { archived: boolean }>(
    `select a.id as "agentId", v.id as "agentVersionId", v.model, v.judge_model as "judgeModel", a.archived_at is not null as archived
     from agent a join agent_version v on v.agent_id = a.id and v.version = a.latest_version where a.id = $1 and a.tenant_id = $2`,
    [agentId, tenantId],
  )
  const [found] = rows
  if (found === undefined) throw new PlatformError('NOT_FOUND', `There is no agent ${agentId}.`, { field })
  if (found.archived) throw new PlatformError('CONFLICT', `Agent ${agentId} is archived.`, { field, status: 'ARCHIVED' })
  return found
}

/** A model without a price can't be held to a cap: refused where any cap stands above the fork. */
export const refuseUnpricedFork = async (
  client: pg.ClientBase,
  {
    tenantId,
    source,
    agent,
    hasBudget,
    index,
  }: { tenantId: string; source: ForkSource; agent: ForkAgent | null; hasBudget: boolean; index: number },
): Promise<void> => {
  const { model, judgeModel } = agent ?? source
  const unpriced = [model, ...(judgeModel === null ? [] : [judgeModel]), ...source.rubricModels].find((name) => !isPricedModel(name))
  if (unpriced === undefined) return
  const { rows } = await client.query('select 1 from budget where tenant_id = $1 and (scope, scope_id) in (($2, $3), ($4, $5)) limit 1', [
    tenantId,
    'TENANT',
    tenantId,
    'AGENT',
    agent?.agentId ?? source.agentId,
  ])
  if (rows.length === 0 && !hasBudget && source.budgets.length === 0) return
  throw new PlatformError('BAD_USER_INPUT', `The model ${unpriced} has no price, so it can't be held to a budget.`, {
    field: `input.forks.${index}.agentId`,
    reason: 'an agent whose models have prices, or no budget above the session',
  })
}
