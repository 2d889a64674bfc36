import { archiveAgent } from '@longhaul/core/src/agents/archive-agent.ts'
import type { RequestContext } from '../../context.ts'
import type { IdInput, Resolvers } from '../../generated/resolver-types.ts'
import { ID_KEY, NUMBER_KEY, parsePage, toConnection } from '../../graphql/connection.ts'
import { loadOne } from '../load-one.ts'
import { pageOf } from '../page-of.ts'
import type { AgentVersionRow } from '../parents.ts'
import { createAgentMutation } from './create-agent.ts'
import { updateAgentMutation } from './update-agent.ts'

export const agentResolvers: Resolvers = {
  Query: {
    agents: async (_, args, context) => {
      const page = parsePage(args, { isKey: ID_KEY })
      const { tenantId, read } = context.ownTenant(args.tenantId)
      const rows = await read((prisma) =>
        prisma.agent.findMany({
          where: { tenantId, ...(page.after === null ? {} : { id: { lt: page.after } }) },
          orderBy: { id: 'desc' },
          take: page.size + 1,
        }),
      )
      return toConnection(rows, page, { key: (row) => row.id, node: (row) => row })
    },
  },
  Mutation: { createAgent: createAgentMutation, updateAgent: updateAgentMutation, archiveAgent: archiveAgentMutation },
  Agent: {
    latest: ({ id, tenantId }, _, context) => loadOne(context.tenant(tenantId).load.latestAgentVersion, 'agent', id),
    versions: async ({ id, tenantId }, args, context) => {
      const page = parsePage(args, { size: 20, isKey: NUMBER_KEY })
      const rows = await pageOf<AgentVersionRow>(context.tenant(tenantId), 'agent_version', { page, id })
      return toConnection(rows, page, { key: (row) => String(row.version), node: (row) => row })
    },
    budgets: ({ id, tenantId }, _, context) => context.tenant(tenantId).load.budgetsOfScope.load(id),
  },
  AgentVersion: {
    agent: ({ agentId, tenantId }, _, context) => loadOne(context.tenant(tenantId).load.agent, 'agent', agentId),
  },
}

async function archiveAgentMutation(_: unknown, { input }: { input: IdInput }, context: RequestContext) {
  const { tenantId } = context.caller('ADMIN')
  const { load } = await context.locate('agent', input.id)
  await archiveAgent(context.parts.db, tenantId, input.id)
  return { agent: await loadOne(load.agent, 'agent', input.id) }
}
