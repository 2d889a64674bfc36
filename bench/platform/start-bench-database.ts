// bench/platform starts the parts that benchmarks run on: a durable PostgreSQL, worker and api as processes of their own, the bare
// things they are compared with. It must never soften a part: fsync is on, and nothing is replaced by a double but the model.
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import path from 'node:path'
import { TEST_POSTGRES } from '@longhaul/core/testing/database.ts'
import { startTemplateDatabase } from '@longhaul/core/testing/template-database.ts'

export const root = path.join(import.meta.dirname, '../..')

/** A PostgreSQL with fsync on, whose databases `createTestDatabase` makes. Under the repository: /tmp may be memory, where fsync is free. */
export const startBenchDatabase = async (): Promise<{ stop(): Promise<void> }> => {
  const parent = path.join(root, '.longhaul')
  await mkdir(parent, { recursive: true })
  const dataDir = await mkdtemp(path.join(parent, 'bench-'))
  const server = await startTemplateDatabase({ dataDir, durable: true })
  process.env[TEST_POSTGRES] = server.superuserUrl
  return {
    stop: async () => {
      const place = await realpath(dataDir)
      await server.stop()
      await rm(place, { recursive: true, force: true })
    },
  }
}
