import * as typescript from '@graphql-codegen/typescript'
import * as resolvers from '@graphql-codegen/typescript-resolvers'

const config: typescript.TypeScriptPluginConfig & resolvers.TypeScriptResolversPluginConfig = {
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
    SessionComparison: '../modules/parents.ts#ComparisonParent',
    EnvironmentBuild: '../modules/parents.ts#EnvironmentBuildRow',
  },
}

/** Resolver types from the modules' SDL. Parents are what loaders give: see the mappers. */
export const resolverTypes = {
  schema: 'src',
  output: 'src/generated/resolver-types.ts',
  plugins: { typescript, resolvers },
  config,
}
