// Faults of the queue: a wake is a hint (invariant 4), so what becomes of jobs changes when work is done, never whether or how often.
import { createLogger } from '@longhaul/core/src/logger.ts'
import { createWakeQueue, type QueueBackend } from '@longhaul/core/src/queue/bullmq-wake-queue.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { startRedis, type TestRedis } from '@longhaul/core/testing/start-redis.ts'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { startTestWorker, type TestWorker } from '../testing/test-worker.ts'

const SESSIONS = 12
const silent = createLogger({ name: 'test', level: 'silent' })

let scene: FaultScene
let redis: TestRedis

beforeAll(async () => {
  ;[scene, redis] = await Promise.all([createFaultScene(), startRedis()])
  // Three turns, each long enough to be met by a fault, none with a sandbox: an answer that was cut off is gone on with.
  const cutOff = { text: 'Thinking. '.repeat(10), chunkDelayMs: 30, stopReason: 'max_tokens' }
  scene.model.addScript('turns', [cutOff, cutOff, { text: 'Done.' }])
})
afterAll(async () => {
  await scene?.stop()
  await redis?.stop()
})

const seed = async (worker: TestWorker, count = SESSIONS) => {
  const tenant = await seedTenant(scene.test.db)
  const sessionIds = await Promise.all(
    Array.from({ length: count }, () => seedSession(worker.parts, tenant, { prompt: '[[script:turns]]', budgetNanos: 1_000_000_000n })),
  )
  for (const sessionId of sessionIds) scene.note({ kind: 'accepted', sessionId, seq: 1 })
  return { tenant, sessionIds }
}
const finish = async (worker: TestWorker, sessionIds: readonly string[]): Promise<void> => {
  for (const sessionId of sessionIds) await worker.waitFor(sessionId, ({ status, turns }) => status === 'IDLE' && turns >= 3, 60_000)
}
/** Between two looks, so that looking is not the load. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 20))
const untilNoTurnRuns = async (): Promise<void> => {
  for (let running = 1; running > 0; ) {
    const { rows } = await scene.test.superuser.query("select count(*)::int as n from turn where state = 'running'")
    running = rows[0].n
    await pause()
  }
}
/** One claim for each turn: whatever else was delivered claimed nothing. */
const expectEachTurnClaimedOnce = async (): Promise<void> => {
  const { rows } = await scene.test.superuser.query(
    'select c.session_id, c.epoch, (select count(*)::int from turn t where t.session_id = c.session_id) as turns from claim c',
  )
  expect(rows.filter(({ epoch, turns }) => epoch !== turns)).toEqual([])
}

const emptyPostgres = async (): Promise<void> => {
  const { rows } = await scene.test.superuser.query<{ name: string }>(
    "select quote_ident(tablename) as name from pg_tables where schemaname = 'longhaul_queue' and tablename ~ 'job'",
  )
  for (const { name } of rows) await scene.test.superuser.query(`truncate longhaul_queue.${name} cascade`)
}
const emptyRedis = async (): Promise<void> => {
  const client = new Redis(redis.url)
  await client.flushall()
  client.disconnect()
}

describe.each([
  { kind: 'postgres' as const, empty: emptyPostgres },
  { kind: 'redis' as const, empty: emptyRedis },
])('a queue on $kind', ({ kind, empty }) => {
  const env = (): Record<string, string> => (kind === 'redis' ? { REDIS_URL: redis.url } : {})
  const backend = (): QueueBackend => ({ kind, url: kind === 'redis' ? redis.url : scene.test.url })

  it('loses every job while sessions run, time and again: the sweep finds them, and each turn runs once', async () => {
    const worker = await startTestWorker({ ...scene, env: env() })
    try {
      const { sessionIds } = await seed(worker)
      // Emptying may take as long as all that was begun before: each time there is something new to be lost.
      for (let times = 1; times <= 6; times++) {
        const more = await seed(worker, 2)
        await empty()
        sessionIds.push(...more.sessionIds)
        await scene.model.waitForRequest(({ session }) => session !== null && more.sessionIds.includes(session))
      }
      await finish(worker, sessionIds)
      await expectEachTurnClaimedOnce()
      await scene.expectClean()
    } finally {
      await worker.stop()
    }
  }, 180_000)

  it('delivers each job three times and more: each turn is claimed once', async () => {
    const [worker, other] = [await startTestWorker({ ...scene, env: env() }), await startTestWorker({ ...scene, env: env() })]
    const queue = createWakeQueue(backend(), silent)
    let stopped = false
    const repeat = async (): Promise<void> => {
      for (let number = 1_000; !stopped; number++) {
        const { rows } = await scene.test.superuser.query("select tenant_id, id from turn where state in ('due', 'running')")
        const wakes = rows.map(({ tenant_id: tenantId, id: turnId }) => ({ tenantId, turnId, wakeNo: number, engineId: null, rank: 1 }))
        queue.send(wakes)
        await queue.flush()
        await pause()
      }
    }
    const repeating = repeat()
    try {
      const { sessionIds } = await seed(worker)
      await finish(worker, sessionIds)
      stopped = true
      await repeating
      await expectEachTurnClaimedOnce()
      await scene.expectClean()
    } finally {
      stopped = true
      await repeating
      await queue.close()
      await worker.stop()
      await other.stop()
    }
  }, 180_000)
})

describe('Redis', () => {
  it('killed without persistence and down for a while: mutations commit, and all sessions finish when it is back', async () => {
    const worker = await startTestWorker({ ...scene, env: { REDIS_URL: redis.url } })
    try {
      const { tenant, sessionIds } = await seed(worker)
      await scene.model.waitForRequest(({ session, step }) => session === sessionIds[0] && step === 1)
      await redis.kill()
      const late = await seed(worker, 3)
      const { seq } = await sendMessage(worker.parts, tenant.caller, { sessionId: sessionIds[0] ?? '', text: 'More.', mode: 'QUEUE' })
      scene.note({ kind: 'accepted', sessionId: sessionIds[0] ?? '', seq })
      await untilNoTurnRuns() // those at hand end without it, the next ones wait
      await redis.restart()
      await finish(worker, [...sessionIds, ...late.sessionIds])
      await expectEachTurnClaimedOnce()
      await scene.expectClean()
    } finally {
      await worker.stop()
    }
  }, 180_000)

  it('that is gone does not keep a worker from stopping', async () => {
    const worker = await startTestWorker({ ...scene, env: { REDIS_URL: redis.url } })
    await redis.kill()
    await seed(worker, 1)
    await worker.stop()
    await redis.restart()
    const next = await startTestWorker({ ...scene, env: { REDIS_URL: redis.url } })
    const { rows } = await scene.test.superuser.query("select id from session where status <> 'IDLE'")
    await finish(
      next,
      rows.map(({ id }) => id),
    )
    await next.stop()
    await scene.expectClean()
  }, 180_000)
})
