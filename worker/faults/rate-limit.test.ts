// A provider that lets through far less than is asked of it (29): everybody waits as long as told, nobody holds a place, all finish.
import type { SeenRequest } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { waitForStatus } from '../testing/read-session.ts'
import { createWorkerProcesses, type WorkerProcesses } from '../testing/worker-process.ts'

const SESSIONS = 200
/** Some ten calls are let in at once, and then one in six seconds. */
const TOKENS_A_MINUTE = 10_000
const PLACES = 4
/** Being sent away is no failure: nobody gives up, however often it happens. */
const MAX_RETRIES = 1
const TIMES_SENT_AWAY = MAX_RETRIES + 2

let scene: FaultScene
let workers: WorkerProcesses
beforeEach(async () => {
  scene = await createFaultScene()
  workers = await createWorkerProcesses(scene)
})
afterEach(async () => {
  await workers.stop()
  await scene.stop()
})

const untilNobodyRuns = async (): Promise<void> => {
  for (;;) {
    const { rows } = await scene.test.superuser.query("select from turn where state = 'running'")
    if (rows.length === 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
const mostInASecond = (requests: readonly SeenRequest[]): number => {
  const times = requests.map(({ at }) => at.getTime())
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length))
}

it('is not asked again before it wants to be, and the sessions it sends away wait without a worker', async () => {
  const { model, test } = scene
  model.addScript('speaks', [{ text: 'Done.' }])
  model.setTokensPerMinute(TOKENS_A_MINUTE)
  await workers.start({ WORKER_CONCURRENCY: String(PLACES), MAX_RETRIES: String(MAX_RETRIES), RETRY_BASE_MS: '1000' })
  const tenant = await seedTenant(test.db, { maxConcurrentSessions: SESSIONS })
  const parts = silentParts(test.db)
  const sessionIds: string[] = []
  while (sessionIds.length < SESSIONS)
    sessionIds.push(await seedSession(parts, tenant, { prompt: '[[script:speaks]]', budgetNanos: 1_000_000_000n }))
  await Promise.all(sessionIds.map((sessionId) => model.waitForRequest(({ session }) => session === sessionId)))
  await untilNobodyRuns()
  const sentAway = new Map<string | null, number>()
  await model.waitForRequest(({ session, toldToWaitSeconds }) => {
    if (toldToWaitSeconds !== null) sentAway.set(session, (sentAway.get(session) ?? 0) + 1)
    return sentAway.get(session) === TIMES_SENT_AWAY
  })
  model.setTokensPerMinute(null)
  for (const sessionId of sessionIds) {
    const { status, stop_reason: reason } = await waitForStatus(test, sessionId, ['IDLE', 'PAUSED'], 60_000)
    expect([status, reason]).toEqual(['IDLE', 'END_TURN'])
  }
  for (const requests of Map.groupBy(model.requests, ({ session }) => session).values()) {
    for (const [index, { at, toldToWaitSeconds }] of requests.entries()) {
      const next = requests[index + 1]
      if (next !== undefined) expect(next.at.getTime() - at.getTime()).toBeGreaterThanOrEqual(Number(toldToWaitSeconds) * 1_000)
    }
  }
  // The first time each asks when it is made, as fast as the machine is; those that were sent away must not come back in step.
  const again = [...Map.groupBy(model.requests, ({ session }) => session).values()].flatMap((requests) => requests.slice(1))
  expect(mostInASecond(again)).toBeLessThan(SESSIONS / 2)
  await scene.expectClean()
}, 240_000)
