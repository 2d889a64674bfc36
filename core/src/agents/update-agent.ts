import type { Database } from '@longhaul/prisma/src/client.ts'
import { conflict, notFound } from '../errors.ts'
import { asTenant } from '../tenants/as-tenant.ts'
import { type AgentDefinition, checkAgentDefinition } from './agent-definition.ts'
import { insertAgentVersion } from './create-agent.ts'

/** What is undefined stays. */
export type UpdateAgent = { id: string; expectedVersion: number | null; name?: string | undefined } & {
  [K in keyof AgentDefinition]?: AgentDefinition[K] | undefined
}

type Row = {
  name: string
  version: number
  archived: boolean
  model: string
  judgeModel: string | null
  system: string | null
  tools: AgentDefinition['tools']
}

/** A new version, always; the agent's row is locked, so two updates give two versions. */
export const updateAgent = async (db: Database, tenantId: string, input: UpdateAgent): Promise<void> => {
  checkAgentDefinition(input)
  await asTenant(db, tenantId, async (client) => {
    await client.query('select 1 from agent where id = $1 and tenant_id = $2 for update', [input.id, tenantId])
    const { rows } = await client.query<Row>(
      `select a.name, a.latest_version as version, a.archived_at is not null as archived, v.model, v.judge_model as "judgeModel", v.system, v.tools
       from agent a join agent_version v on v.agent_id = a.id and v.version = a.latest_version where a.id = $1 and a.tenant_id = $2`,
      [input.id, tenantId],
    )
    const [agent] = rows
    if (agent === undefined) throw notFound('agent', input.id)
    if (agent.archived) throw conflict(`Agent ${input.id} is archived.`, 'ARCHIVED')
    if (input.expectedVersion !== null && input.expectedVersion !== agent.version) {
      throw conflict(
        `Agent ${input.id} is at version ${agent.version}, not ${input.expectedVersion}: read it again.`,
        `VERSION_${agent.version}`,
      )
    }
    const version = agent.version + 1
    await client.query('update agent set name = $2, latest_version = $3 where id = $1', [input.id, input.name ?? agent.name, version])
    await insertAgentVersion(client, {
      tenantId,
      agentId: input.id,
      version,
      definition: {
        model: input.model ?? agent.model,
        judgeModel: input.judgeModel === undefined ? agent.judgeModel : input.judgeModel,
        system: input.system === undefined ? agent.system : input.system,
        tools: input.tools ?? agent.tools,
      },
    })
  })
}
