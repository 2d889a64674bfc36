import { createRequire } from 'node:module'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { countsReporter } from './local/testing/counts-reporter.ts'
import { SlowFirstSequencer } from './local/testing/slow-first-sequencer.ts'

// Started by its path, vitest runs on whatever Node the machine has, and so do the processes that tests start.
if (Number(process.versions.node.split('.')[0]) < 24)
  throw new Error(`tests need the Node 24 of node_modules, this is ${process.version}: \`npx vitest run PATH\` or \`npm test -- PATH\``)

// Compiled modules are kept for all that tests start: a worker's process takes half a second of a core less, some hundred times.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules', '.cache', 'longhaul')

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
    // One more than two cores: half of a file's time it waits for leases, sweeps and processes. Each brings services of its own.
    maxWorkers: 3,
    sequence: { sequencer: SlowFirstSequencer },
    // Two shared cores can starve a test of processes and engines; one that fails every time is wrong. On a person's machine none is repeated.
    retry: process.env.CI ? 1 : 0,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', countsReporter],
  },
})
