import * as documents from '@graphql-codegen/typed-document-node'
import * as operations from '@graphql-codegen/typescript-operations'

const config = {
  useTypeImports: true,
  scalars: { ID: 'string', Usd: 'string', DateTime: 'string', JSON: 'unknown' },
  // Operations as their text, parsed when first asked: as parsed trees, each with its fragments, they would be a third of the console.
  documentMode: 'graphQLTag',
  gqlImport: '../api/gql.ts#gql',
} satisfies operations.TypeScriptDocumentsPluginConfig & { documentMode: string; gqlImport: string }

/** Types of the console's operations, from the committed schema: what the public API offers is all that the console knows. */
export const operationTypes = {
  schema: '../api/schema.graphql',
  documents: 'src/graphql',
  output: 'src/generated/graphql.ts',
  plugins: { operations, documents },
  config,
}
