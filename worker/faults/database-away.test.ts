// Faults of the way to the database: gone for far longer than a lease, and full of others' connections.
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { type Gate, startGate } from '@longhaul/core/testing/start-gate.ts'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { waitForStatus } from '../testing/read-session.ts'
import { createWorkerProcesses, type WorkerProcesses } from '../testing/worker-process.ts'

/** Leases of these workers last 2.5 seconds. */
const AWAY_MS = 15_000
const FULL_MS = 6_000
/** Attempts to connect that a worker may make in a second, while there is no database: its beats come to some 25, six turns to 12. */
const MAX_ATTEMPTS_A_SECOND = 60

let scene: FaultScene
let gate: Gate
let workers: WorkerProcesses
beforeEach(async () => {
  scene = await createFaultScene()
  scene.model.addScript('speaks', [{ text: 'A long answer. '.repeat(30), chunkDelayMs: 60, stopReason: 'max_tokens' }, { text: 'Done.' }])
  gate = await startGate(scene.test.url)
  workers = await createWorkerProcesses({ ...scene, env: { DATABASE_URL: gate.url } })
})
afterEach(async () => {
  gate.open()
  await workers.stop()
  await gate.stop()
  await scene.stop()
})

const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const seedMany = async (count: number): Promise<string[]> => {
  const tenant = await seedTenant(scene.test.db)
  const parts = silentParts(scene.test.db)
  return Promise.all(
    Array.from({ length: count }, () => seedSession(parts, tenant, { prompt: '[[script:speaks]]', budgetNanos: 1_000_000_000n })),
  )
}
const finish = async (sessionIds: readonly string[]): Promise<void> => {
  for (const sessionId of sessionIds) {
    const { stop_reason: reason } = await waitForStatus(scene.test, sessionId, ['IDLE', 'PAUSED'], 120_000)
    expect(reason).toBe('END_TURN')
  }
  await scene.expectClean()
}

it('gone for six leases: the workers live on, ask for it at a steady pace, and all sessions finish when it is back', async () => {
  const running = [await workers.start(), await workers.start()]
  const sessionIds = await seedMany(6)
  await Promise.all(sessionIds.map((sessionId) => scene.model.waitForRequest(({ session }) => session === sessionId)))
  gate.shut()
  const before = gate.attempts()
  await pass(AWAY_MS)
  expect((gate.attempts() - before) / (AWAY_MS / 1_000)).toBeLessThan(running.length * MAX_ATTEMPTS_A_SECOND)
  expect(running.map(({ child }) => child.exitCode ?? child.signalCode)).toEqual([null, null])
  gate.open()
  await finish(sessionIds)
}, 240_000)

it('with every connection in use for two leases: the sessions wait, and finish once there is room', async () => {
  await workers.start()
  const sessionIds = await seedMany(3)
  await Promise.all(sessionIds.map((sessionId) => scene.model.waitForRequest(({ session }) => session === sessionId)))
  const role = decodeURIComponent(new URL(scene.test.url).username)
  const name = pg.escapeIdentifier(new URL(scene.test.url).pathname.slice(1))
  // All that the test itself does goes through a superuser, whom the limit does not meet.
  await scene.test.superuser.query(`alter database ${name} connection limit 0`)
  await scene.test.superuser.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = $1',
    [role],
  )
  await pass(FULL_MS)
  await scene.test.superuser.query(`alter database ${name} connection limit -1`)
  await finish(sessionIds)
}, 240_000)
