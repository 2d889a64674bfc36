import type { Database } from '@longhaul/prisma/src/client.ts'
import type pg from 'pg'
import { createId } from '../ids.ts'
import { asTenant } from '../tenants/as-tenant.ts'
import { type AgentDefinition, checkAgentDefinition } from './agent-definition.ts'

export type CreateAgent = AgentDefinition & { name: string }

export const createAgent = async (
  db: Database,
  tenantId: string,
  input: CreateAgent,
  keep: (client: pg.ClientBase, answer: { agentId: string }) => Promise<void>,
): Promise<{ agentId: string }> => {
  checkAgentDefinition(input)
  const agentId = createId('agt')
  await asTenant(db, tenantId, async (client) => {
    await keep(client, { agentId })
    await client.query('insert into agent (id, tenant_id, name) values ($1, $2, $3)', [agentId, tenantId, input.name])
    await insertAgentVersion(client, { tenantId, agentId, version: 1, definition: input })
  })
  return { agentId }
}

export const insertAgentVersion = async (
  client: pg.ClientBase,
  { tenantId, agentId, version, definition }: { tenantId: string; agentId: string; version: number; definition: AgentDefinition },
): Promise<void> => {
  await client.query(
    'insert into agent_version (id, tenant_id, agent_id, version, model, judge_model, system, tools) values ($1, $2, $3, $4, $5, $6, $7, $8)',
    [
      createId('agv'),
      tenantId,
      agentId,
      version,
      definition.model,
      definition.judgeModel,
      definition.system,
      JSON.stringify(definition.tools),
    ],
  )
}
