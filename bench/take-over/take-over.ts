import { setTimeout as sleep } from 'node:timers/promises'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import type { Bench } from '../figure.ts'
import { recordArrivals } from '../platform/arrivals.ts'
import { startWorkerBench, type WorkerBench } from '../platform/start-worker-bench.ts'
import { startWorkerProcess } from '../platform/start-worker-process.ts'
import { waitForStatus } from '../platform/wait-for-session.ts'

/** Two workers; the one that holds a session's turn is killed in the middle of a model call. How long until the model is asked again? */
export const benchTakeOver: Bench = async (context) => {
  // A smoke run shortens what is waited for; the figure is taken with the defaults.
  const env: Record<string, string> = context.smoke ? { LEASE_MS: '600', LEASE_RENEW_MS: '150', SWEEP_MS: '100' } : {}
  const arrivals = recordArrivals(({ attempt }) => ({ text: 'An answer.', delayMs: attempt === 1 ? 120_000 : 0 }))
  const bench = await startWorkerBench(context, { scripts: { stall: arrivals.script }, workers: 2, env })
  try {
    const tenant = await seedTenant(bench.test.db, { system: '[[script:stall]]' })
    let slowest = 0
    for (let kill = 0; kill < (context.smoke ? 1 : 4); kill++) {
      const sessionId = await seedSession(bench.core, tenant)
      await arrivals.next(sessionId)
      const again = arrivals.next(sessionId)
      const killedAt = performance.now()
      await killHolder(bench, sessionId)
      slowest = Math.max(slowest, (await again) - killedAt)
      await waitForStatus(bench.test, [sessionId], 'IDLE')
      bench.workers.push(await startWorkerProcess({ test: bench.test, model: bench.model, image: context.image, env }))
    }
    return [
      {
        what: "worker killed → its session's model call is made again, slowest",
        measured: slowest / 1_000,
        unit: 's',
        target: { of: 'measured', atMost: 10 },
      },
    ]
  } finally {
    await bench.stop()
  }
}

/** Between two looks at who holds the session: its turn may be on its way from one worker to another. */
const LOOK_MS = 50
const PATIENCE_MS = 30_000

const killHolder = async ({ test, workers }: WorkerBench, sessionId: string): Promise<void> => {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(LOOK_MS)) {
    const { rows } = await test.superuser.query<{ pid: number }>(
      'select l.pid from claim c join lease l on l.worker_id = c.worker_id where c.session_id = $1',
      [sessionId],
    )
    const holder = workers.findIndex(({ pid }) => pid === rows[0]?.pid)
    if (holder === -1) continue
    const [worker] = workers.splice(holder, 1)
    await worker?.kill()
    return
  }
  throw new Error(`no worker holds session ${sessionId}`)
}
