import { createRequire } from 'node:module'
import { defineConfig } from 'vitest/config'
import { countsReporter } from './local/testing/counts-reporter.ts'

// Started by its path, vitest runs on whatever Node the machine has, and so do the processes that tests start.
if (Number(process.versions.node.split('.')[0]) < 24)
  throw new Error(`tests need the Node 24 of node_modules, this is ${process.version}: \`npx vitest run PATH\` or \`npm test -- PATH\``)

const require = createRequire(import.meta.url)

export default defineConfig({
  resolve: {
    // Without it the tests get one copy of graphql as CommonJS and one as a module: "Duplicate graphql modules".
    alias: [{ find: /^graphql$/, replacement: require.resolve('graphql/index.js') }],
  },
  test: {
    include: ['{prisma,core,api,worker,web,local,bench}/**/*.test.ts'],
    globalSetup: ['local/testing/global-setup.ts'],
    pool: 'forks', // a test may kill -9 what it started, and reads its own environment
    maxWorkers: 2, // each file brings services of its own; more starve one another
    // Two shared cores can starve a test of processes and engines; one that fails every time is wrong. On a person's machine none is repeated.
    retry: process.env.CI ? 2 : 0,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', countsReporter],
  },
})
