// bench/soak runs the platform under mixed load for a long time and asks what must not grow, and the checker whether all rules hold.
// It must never count what history needs (events, charges) as growth, and never forgive a journey that went wrong.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkDatabase } from '@longhaul/core/src/checker/check-database.ts'
import { renderReport } from '@longhaul/core/src/checker/render-report.ts'
import type { Report } from '@longhaul/core/src/checker/report.ts'
import { createApiKey } from '@longhaul/core/src/tenants/create-api-key.ts'
import { createTestDatabase } from '@longhaul/core/testing/database.ts'
import { startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedTenant } from '@longhaul/core/testing/seeds.ts'
import { createApiClient } from '@longhaul/local/session/api-client.ts'
import { removeSandboxes } from '../platform/remove-sandboxes.ts'
import { startApiProcess } from '../platform/start-api-process.ts'
import { startWorkerProcess } from '../platform/start-worker-process.ts'
import { type Customer, journeys } from './journeys.ts'
import { type Sample, takeSample } from './take-sample.ts'

export type SoakOptions = {
  image: string
  /** How long journeys begin. Those under way are then finished. */
  seconds: number
  /** Journeys at once. */
  atOnce: number
  /** Between two samples. */
  sampleSeconds: number
  onSample: (sample: Sample, finished: number) => void
}

export type Soaked = { finished: number; failures: string[]; samples: Sample[]; report: Report; checked: string }

const WORKERS = 2

const scripts = {
  work: [
    { text: 'I take a note.', toolCalls: [{ name: 'bash', input: { command: 'date >> /workspace/notes.txt' } }] },
    { text: 'That is done.', delayMs: 100 },
  ],
  long: [{ text: 'This takes me a while, and is told in many pieces. '.repeat(20), chunkDelayMs: 20 }],
}

/** Two workers, an api and customers of one tenant, each on one journey after the other. */
export const soak = async ({ image, seconds, atOnce, sampleSeconds, onSample }: SoakOptions): Promise<Soaked> => {
  const test = await createTestDatabase()
  const folder = await mkdtemp(path.join(tmpdir(), 'longhaul-soak-'))
  const witnessFile = path.join(folder, 'model.jsonl')
  const model = await startScriptedModel({ scripts, witnessFile, keep: 100 })
  const api = await startApiProcess(test)
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => startWorkerProcess({ test, model, image })))
  const { tenantId, agentId, environmentId } = await seedTenant(test.db)
  const { secret } = await createApiKey(test.db, { tenantId, name: 'soak', role: 'ADMIN', expiresAt: null }, async () => {})

  const until = performance.now() + seconds * 1_000
  const samples: Sample[] = []
  const failures: string[] = []
  let finished = 0
  const travel = async (customer: Customer, first: number): Promise<void> => {
    const all = Object.entries(journeys)
    for (let at = first; performance.now() < until; at++) {
      const [name, journey] = all[at % all.length]!
      await journey(customer).catch((error: Error) => failures.push(`a session that ${name}: ${error.message}`))
      finished++
    }
  }
  const watch = async (): Promise<void> => {
    const processes = { api: api.pid, ...Object.fromEntries(workers.map(({ pid }, at) => [`worker ${at + 1}`, pid])) }
    while (performance.now() < until) {
      await sleep(sampleSeconds * 1_000)
      const sample = await takeSample(test, processes)
      samples.push(sample)
      onSample(sample, finished)
    }
  }
  const clients = Array.from({ length: atOnce }, () => createApiClient({ url: `${api.url}/graphql`, key: secret }))
  try {
    const travels = clients.map((client, at) => travel({ client, agentId, environmentId }, at))
    await Promise.all([watch(), ...travels])
    const report = await checkDatabase({
      databaseUrl: test.url,
      modelWitnesses: [witnessFile],
      settled: true,
    })
    return { finished, failures, samples, report, checked: renderReport(report) }
  } finally {
    for (const client of clients) client.close()
    await Promise.all([api, ...workers].map((child) => child.stop()))
    await model.stop()
    await removeSandboxes(test.url)
    await test.close()
    await rm(folder, { recursive: true, force: true })
  }
}
