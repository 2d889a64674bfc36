import { requireRole } from '@longhaul/core/src/tenants/role.ts'
import type { Resolvers } from '../../generated/resolver-types.ts'
import { ID_KEY, parsePage, toConnection } from '../../graphql/connection.ts'
import { readUsage } from '../budgets/read-usage.ts'
import { loadOne } from '../load-one.ts'
import type { ApiKeyRow, TenantRow } from '../parents.ts'
import { createApiKeyMutation } from './create-api-key.ts'
import { createTenantMutation } from './create-tenant.ts'
import { findTenant } from './find-tenant.ts'
import { revokeApiKeyMutation } from './revoke-api-key.ts'
import { updateTenantMutation } from './update-tenant.ts'

export const tenantResolvers: Resolvers = {
  Query: {
    viewer: (_, __, { principal }) => principal,
    tenant: (_, args, context) => findTenant(context, args),
    tenants: async (_, args, { principal, parts }) => {
      requireRole(principal, 'OPERATOR')
      const page = parsePage(args, { isKey: ID_KEY })
      const rows = await parts.db.systemPrisma.tenant.findMany({
        ...(page.after === null ? {} : { where: { id: { lt: page.after } } }),
        orderBy: { id: 'desc' },
        take: page.size + 1,
      })
      return toConnection(rows as TenantRow[], page, { key: (row) => row.id, node: (row) => row })
    },
  },
  Mutation: {
    createTenant: createTenantMutation,
    updateTenant: updateTenantMutation,
    createApiKey: createApiKeyMutation,
    revokeApiKey: revokeApiKeyMutation,
  },
  Viewer: {
    tenant: (principal, _, context) =>
      principal.tenantId === null ? null : loadOne(context.tenant(principal.tenantId).load.tenant, 'tenant', principal.tenantId),
    apiKey: (principal, _, context) =>
      principal.tenantId === null ? null : context.tenant(principal.tenantId).load.apiKey.load(principal.keyId),
  },
  Tenant: {
    checkpointRetention: ({ checkpointAllHours, checkpointHourlyDays, checkpointDailyDays }) => ({
      allForHours: checkpointAllHours,
      hourlyForDays: checkpointHourlyDays,
      dailyForDays: checkpointDailyDays,
    }),
    budgets: ({ id }, _, context) => context.tenant(id).load.budgetsOfScope.load(id),
    apiKeys: async ({ id: tenantId }, args, context) => {
      const page = parsePage(args, { isKey: ID_KEY })
      const rows = await context.tenant(tenantId).read((prisma) =>
        prisma.apiKey.findMany({
          where: { tenantId, ...(page.after === null ? {} : { id: { lt: page.after } }) },
          omit: { hash: true },
          orderBy: { id: 'desc' },
          take: page.size + 1,
        }),
      )
      return toConnection(rows as ApiKeyRow[], page, { key: (row) => row.id, node: (row) => row })
    },
    usage: ({ id }, { from, to, groupBy }, context) => readUsage(context.tenant(id), { from, to, groupBy }),
  },
}
