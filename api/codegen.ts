import type { CodegenConfig } from '@graphql-codegen/cli'

/** Resolver types from the modules' SDL. Parents are what loaders give: see the mappers. */
const config: CodegenConfig = {
  schema: 'src/**/*.graphql',
  generates: {
    'src/generated/resolver-types.ts': {
      plugins: ['typescript', 'typescript-resolvers'],
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        contextType: '../context.ts#RequestContext',
        makeResolverTypeCallable: true,
        skipTypename: true,
        avoidOptionals: { field: true, inputValue: false, object: true, defaultValue: false },
        scalars: {
          ID: 'string',
          Usd: 'bigint',
          DateTime: 'Date',
          JSON: 'unknown',
        },
        mappers: {
          Viewer: '@longhaul/core/src/tenants/role.ts#Principal',
          Tenant: '../modules/parents.ts#TenantRow',
          ApiKey: '../modules/parents.ts#ApiKeyRow',
          Agent: '../modules/parents.ts#AgentRow',
          AgentVersion: '../modules/parents.ts#AgentVersionRow',
          Environment: '../modules/parents.ts#EnvironmentRow',
          EnvironmentVersion: '../modules/parents.ts#EnvironmentVersionRow',
          Session: '../modules/parents.ts#SessionParent',
          Thread: '../modules/parents.ts#ThreadRow',
          Event: '../modules/parents.ts#EventParent',
          DoneCondition: '../modules/parents.ts#ConditionRow',
          Evaluation: '../modules/parents.ts#EvaluationRow',
          Checkpoint: '../modules/parents.ts#CheckpointRow',
          Budget: '../modules/parents.ts#BudgetRow',
        },
      },
    },
  },
}

export default config
