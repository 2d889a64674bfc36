import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import type { Bench } from '../figure.ts'
import { startWorkerBench } from '../platform/start-worker-bench.ts'
import { waitForStatus } from '../platform/wait-for-session.ts'

const WAVES = 3

/** 200 sessions, one worker, a model that takes two seconds: do all get on, how long beside one alone, and what memory does it take? */
export const benchManySessions: Bench = async (context) => {
  const { count, modelMs } = context.smoke ? { count: 5, modelMs: 100 } : { count: 200, modelMs: 2_000 }
  const bench = await startWorkerBench(context, { scripts: { slow: () => ({ text: 'An answer.', delayMs: modelMs }) } })
  try {
    const tenant = await seedTenant(bench.test.db, { maxConcurrentSessions: count, system: '[[script:slow]]' })
    const settle = async (sessionIds: string[]): Promise<number> => {
      const startedAt = performance.now()
      await Promise.all(sessionIds.map((sessionId) => sendMessage(bench.core, tenant.caller, { sessionId, text: 'Go on.', mode: 'QUEUE' })))
      await waitForStatus(bench.test, sessionIds, 'IDLE')
      return (performance.now() - startedAt) / 1_000
    }
    // Made one after the other: what is measured begins with their second messages.
    const sessionIds: string[] = []
    for (let made = 0; made < count; made++) sessionIds.push(await seedSession(bench.core, tenant))
    await waitForStatus(bench.test, sessionIds, 'IDLE')
    const alone = await settle(sessionIds.slice(0, 1))
    let slowest = 0
    for (let wave = 0; wave < WAVES; wave++) slowest = Math.max(slowest, await settle(sessionIds))
    const { rows } = await bench.test.superuser.query<{ done: string }>('select count(*) as done from session where turns > $1', [WAVES])
    return [
      {
        what: `sessions of ${count} at once that got on`,
        measured: Number(rows[0]?.done) / count,
        unit: 'of all',
        target: { of: 'measured', atLeast: 1 },
      },
      {
        what: `${count} messages at once → ${count} answers, slowest of ${WAVES} waves`,
        measured: slowest,
        unit: 's',
        yardstick: { what: 'one session alone', value: alone },
      },
      {
        what: `the worker's resident memory at its highest`,
        measured: (await bench.workers[0]!.peakBytes()) / 1e6,
        unit: 'MB',
        target: { of: 'measured', atMost: 400 },
      },
    ]
  } finally {
    await bench.stop()
  }
}
