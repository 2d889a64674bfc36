import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestDatabase } from '@longhaul/core/testing/database.ts'
import type { ScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { type Child, startChild } from './start-child.ts'
import { storeOf } from './store-of.ts'

/** A worker as a user runs it, on this database and this model. */
export const startWorkerProcess = async ({
  test,
  model,
  image,
  env = {},
}: {
  test: TestDatabase
  model: ScriptedModel
  image: string
  env?: Record<string, string>
}): Promise<Child> => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'longhaul-bench-'))
  const worker = await startChild(
    'worker/src/main.ts',
    {
      DATABASE_URL: test.url,
      DATA_DIR: dataDir,
      SNAPSHOT_URL: storeOf(test),
      ANTHROPIC_API_KEY: model.apiKey,
      ANTHROPIC_BASE_URL: model.url,
      SANDBOX_IMAGE: image,
      LOG_LEVEL: 'info',
      DRAIN_MS: '500',
      ...env,
    },
    (output) => output.includes('the worker is ready'),
  )
  const cleanUp = () => rm(dataDir, { recursive: true, force: true })
  return { ...worker, kill: () => worker.kill().then(cleanUp), stop: () => worker.stop().then(cleanUp) }
}
