import { createRequire } from 'node:module'
import { defineConfig } from 'vitest/config'
import { countsReporter } from './local/testing/counts-reporter.ts'

const require = createRequire(import.meta.url)

export default defineConfig({
  resolve: {
    // Without it the tests get one copy of graphql as CommonJS and one as a module: "Duplicate graphql modules".
    alias: [{ find: /^graphql$/, replacement: require.resolve('graphql/index.js') }],
  },
  test: {
    include: ['{prisma,core,api,worker,local,bench}/**/*.test.ts'],
    globalSetup: ['local/testing/global-setup.ts'],
    pool: 'forks', // a test may kill -9 what it started, and reads its own environment
    maxWorkers: 2, // each file brings services of its own; more starve one another
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', countsReporter],
  },
})
