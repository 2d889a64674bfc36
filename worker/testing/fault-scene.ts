import { appendFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { checkDatabase } from '@longhaul/core/src/checker/check-database.ts'
import type { ClientLine } from '@longhaul/core/src/checker/read-witness.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { expect } from 'vitest'

type WithoutVersion<T> = T extends unknown ? Omit<T, 'v'> : never

export type FaultScene = {
  test: TestDatabase
  model: ScriptedModel
  /** Writes down what a client was told, for the checker. */
  note(line: WithoutVersion<ClientLine>): void
  /** Once work has come to an end: the checker finds nothing wrong, with what the provider counted and what clients were told. */
  expectClean(options?: { dockerHost?: string }): Promise<void>
  stop(): Promise<void>
}

/** A database, a provider that counts, and witnesses of both sides: what every fault test ends by asking. */
export const createFaultScene = async (options: { server?: string } = {}): Promise<FaultScene> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'longhaul-fault-'))
  const clients = path.join(folder, 'clients.jsonl')
  const provider = path.join(folder, 'provider.jsonl')
  writeFileSync(clients, '')
  const test = await createTestDatabase(options)
  const model = await startScriptedModel({ witnessFile: provider })
  return {
    test,
    model,
    note: (line) => appendFileSync(clients, `${JSON.stringify({ v: 1, ...line })}\n`),
    expectClean: async ({ dockerHost } = {}) => {
      const { violations } = await checkDatabase({
        databaseUrl: test.url,
        modelWitnesses: [provider],
        clientWitnesses: [clients],
        dockerHost: dockerHost ?? null,
        graceMs: 1_000,
        settled: true,
      })
      expect(violations).toEqual([])
    },
    stop: async () => {
      await model.stop()
      await test.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
