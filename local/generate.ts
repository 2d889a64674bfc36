// `npm run generate`: makes what is generated and not committed: the Prisma client (prisma/generated), the resolver types
// (api/src/generated) and the console's operations (web/src/generated). None needs a network.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generateClient } from './generate/generate-client.ts'

const root = dirname(import.meta.dirname)

await generateClient(join(root, 'prisma'))
// Types only: an installation without development dependencies runs without them.
if (existsSync(join(root, 'node_modules', '@graphql-codegen', 'core'))) {
  const { generateTypes } = await import('./generate/generate-types.ts')
  const { resolverTypes } = await import('../api/codegen.ts')
  const { operationTypes } = await import('../web/codegen.ts')
  await generateTypes(join(root, 'api'), resolverTypes)
  await generateTypes(join(root, 'web'), operationTypes)
}
