import type { CodegenConfig } from '@graphql-codegen/cli'

/** Types of the console's operations, from the committed schema: what the public API offers is all that the console knows. */
const config: CodegenConfig = {
  schema: '../api/schema.graphql',
  documents: 'src/graphql/*.graphql',
  generates: {
    'src/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        skipTypename: true,
        scalars: { ID: 'string', Usd: 'string', DateTime: 'string', JSON: 'unknown' },
      },
    },
  },
}

export default config
