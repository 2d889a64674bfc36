import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { type Gate, startGate } from '../../testing/start-gate.ts'
import { createPatientBackend } from './patient-backend.ts'

let test: TestDatabase
let gate: Gate
beforeAll(async () => {
  test = await createTestDatabase()
  gate = await startGate(test.url)
})
afterAll(async () => {
  await gate.stop()
  await test.close()
})

it('whoever asks again as soon as it has failed connects a few times a second, and gets an answer once there is one', async () => {
  const connection = { connectionString: gate.url, options: '-c role=longhaul_queue', schema: 'longhaul_queue', migrate: true }
  const backend = createPatientBackend('wakes', { connection })
  backend.on('error', () => {}) // of idle connections
  await backend.waitUntilReady()
  gate.shut()
  const [before, until] = [gate.attempts(), performance.now() + 2_000]
  while (performance.now() < until) await expect(backend.moveToActive('token')).rejects.toThrow()
  // 50 ms, doubled up to a second, at least half of each: nine are past two seconds.
  expect(gate.attempts() - before).toBeLessThan(9)
  gate.open()
  expect(await backend.moveToActive('token')).toBeInstanceOf(Array)
  await backend.close()
})
