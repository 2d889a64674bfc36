import { archiveEnvironment } from '@longhaul/core/src/environments/archive-environment.ts'
import type { RequestContext } from '../../context.ts'
import type { IdInput, Resolvers } from '../../generated/resolver-types.ts'
import { ID_KEY, NUMBER_KEY, parsePage, toConnection } from '../../graphql/connection.ts'
import { loadOne } from '../load-one.ts'
import { pageOf } from '../page-of.ts'
import type { EnvironmentBuildRow, EnvironmentVersionRow } from '../parents.ts'
import { createEnvironmentMutation } from './create-environment.ts'
import { updateEnvironmentMutation } from './update-environment.ts'

const BUILD_STATES = { asked: 'QUEUED', building: 'BUILDING', built: 'BUILT', failed: 'FAILED' } as const

export const environmentResolvers: Resolvers = {
  Query: {
    environments: async (_, args, context) => {
      const page = parsePage(args, { isKey: ID_KEY })
      const { tenantId, read } = context.ownTenant(args.tenantId)
      const rows = await read((prisma) =>
        prisma.environment.findMany({
          where: { tenantId, ...(page.after === null ? {} : { id: { lt: page.after } }) },
          orderBy: { id: 'desc' },
          take: page.size + 1,
        }),
      )
      return toConnection(rows, page, { key: (row) => row.id, node: (row) => row })
    },
  },
  Mutation: {
    createEnvironment: createEnvironmentMutation,
    updateEnvironment: updateEnvironmentMutation,
    archiveEnvironment: archiveEnvironmentMutation,
  },
  Environment: {
    latest: ({ id, tenantId }, _, context) => loadOne(context.tenant(tenantId).load.latestEnvironmentVersion, 'environment', id),
    versions: async ({ id, tenantId }, args, context) => {
      const page = parsePage(args, { size: 20, isKey: NUMBER_KEY })
      const rows = await pageOf<EnvironmentVersionRow>(context.tenant(tenantId), 'environment_version', { page, id })
      return toConnection(rows, page, { key: (row) => String(row.version), node: (row) => row })
    },
  },
  EnvironmentVersion: {
    environment: ({ environmentId, tenantId }, _, context) =>
      loadOne(context.tenant(tenantId).load.environment, 'environment', environmentId),
    builds: async ({ id, tenantId }, args, context) => {
      const page = parsePage(args, { size: 20, isKey: ID_KEY })
      const rows = await pageOf<EnvironmentBuildRow>(context.tenant(tenantId), 'environment_build', { page, id })
      return toConnection(rows, page, { key: (row) => row.id, node: (row) => row })
    },
  },
  EnvironmentBuild: {
    state: ({ state }) => BUILD_STATES[state],
    engineId: ({ engineId }, _, context) => (context.principal.role === 'OPERATOR' ? engineId : null),
  },
}

async function archiveEnvironmentMutation(_: unknown, { input }: { input: IdInput }, context: RequestContext) {
  const { tenantId } = context.caller('ADMIN')
  const { load } = await context.locate('environment', input.id)
  await archiveEnvironment(context.parts.db, tenantId, input.id)
  return { environment: await loadOne(load.environment, 'environment', input.id) }
}
