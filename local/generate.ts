// `npm run generate`: makes what is generated and not committed: the Prisma client (prisma/generated), the resolver types
// (api/src/generated) and the console's operations (web/src/generated). None needs a network.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const require = createRequire(import.meta.url)

run('prisma', require.resolve('prisma/build/index.js'), ['generate'], join(root, 'prisma'))
// Types only: an installation without development dependencies runs without them.
const codegen = join(root, 'node_modules', '@graphql-codegen', 'cli', 'esm', 'bin.js')
for (const folder of ['api', 'web']) {
  if (existsSync(codegen) && existsSync(join(root, folder, 'codegen.ts')))
    run('graphql-codegen', codegen, ['--config', 'codegen.ts'], join(root, folder))
}

function run(name: string, script: string, args: string[], cwd: string): void {
  const env = {
    ...process.env,
    // `generate` does not use the engine, but downloads it unless told that there is one: any executable file will do.
    PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  }
  const { status, error } = spawnSync(process.execPath, [script, ...args], { cwd, env, stdio: 'inherit' })
  if (status !== 0) {
    process.stderr.write(`${name} failed${error ? `: ${error.message}` : ''}\n`)
    process.exit(1)
  }
}
