import type { Resolvers } from '../generated/resolver-types.ts'
import { DateTime, JsonScalar, Usd } from '../graphql/scalars.ts'
import { agentResolvers } from './agents/agents.ts'
import { budgetResolvers } from './budgets/budgets.ts'
import { checkpointResolvers } from './checkpoints/checkpoints.ts'
import { comparisonResolvers } from './comparison/comparison.ts'
import { conditionResolvers } from './conditions/conditions.ts'
import { environmentResolvers } from './environments/environments.ts'
import { eventResolvers } from './events/events.ts'
import { fileResolvers } from './files/files.ts'
import { findNode } from './find-node.ts'
import { sessionResolvers } from './sessions/sessions.ts'
import { tenantResolvers } from './tenants/tenants.ts'

/** One table a module; subscriptions are wired in subscriptions/. */
export const resolverTables: readonly Resolvers[] = [
  {
    DateTime,
    JSON: JsonScalar,
    Usd,
    Query: { node: (_, { id }, context) => findNode(context, id) as never },
    Node: { __resolveType: (node) => (node as unknown as { __typename: 'Session' }).__typename },
  },
  tenantResolvers,
  agentResolvers,
  environmentResolvers,
  sessionResolvers,
  eventResolvers,
  fileResolvers,
  checkpointResolvers,
  comparisonResolvers,
  conditionResolvers,
  budgetResolvers,
]
