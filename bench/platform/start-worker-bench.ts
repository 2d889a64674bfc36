import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import type { Script } from '@longhaul/core/testing/scripted-model/script.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import type { BenchContext } from '../figure.ts'
import { type OpenCore, openCore } from './open-core.ts'
import { removeSandboxes } from './remove-sandboxes.ts'
import type { Child } from './start-child.ts'
import { startWorkerProcess } from './start-worker-process.ts'

export type WorkerBench = { test: TestDatabase; model: ScriptedModel; core: OpenCore; workers: Child[]; stop(): Promise<void> }

/** A database, a model that follows `scripts`, so many workers, and core in this process in the api's place. */
export const startWorkerBench = async (
  { image }: BenchContext,
  { scripts, workers = 1, env = {} }: { scripts: Record<string, Script>; workers?: number; env?: Record<string, string> },
): Promise<WorkerBench> => {
  const test = await createTestDatabase()
  const model = await startScriptedModel({ scripts, keep: 100 })
  const core = openCore(test)
  const started: Child[] = []
  for (let at = 0; at < workers; at++) started.push(await startWorkerProcess({ test, model, image, env }))
  return {
    test,
    model,
    core,
    workers: started,
    stop: async () => {
      await Promise.all(started.map((worker) => worker.stop()))
      await model.stop()
      await core.close()
      await removeSandboxes(test.url)
      await test.close()
    },
  }
}
