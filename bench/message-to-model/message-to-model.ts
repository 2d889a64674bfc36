import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import type { Bench } from '../figure.ts'
import { median, percentile } from '../percentile.ts'
import { recordArrivals } from '../platform/arrivals.ts'
import { startWorkerBench, type WorkerBench } from '../platform/start-worker-bench.ts'
import { waitForStatus } from '../platform/wait-for-session.ts'
import { compactAtLastHundred, fillLog } from './long-log.ts'

type Tenant = Awaited<ReturnType<typeof seedTenant>>

/** A message is committed; how long until the model is asked? With a log of about 10 events, and with a long one that was compacted. */
export const benchMessageToModel: Bench = async (context) => {
  const sizes = context.smoke ? { messages: 2, longSessions: 1, events: 300 } : { messages: 150, longSessions: 2, events: 50_000 }
  const arrivals = recordArrivals(() => ({ text: 'An answer.' }))
  const bench = await startWorkerBench(context, { scripts: { answer: arrivals.script } })
  try {
    const tenant = await seedTenant(bench.test.db, { system: 'You answer. [[script:answer]]' })
    const ask = async (sessionId: string): Promise<number> => {
      const arrived = arrivals.next(sessionId)
      await sendMessage(bench.core, tenant.caller, { sessionId, text: 'And what about this one?', mode: 'QUEUE' })
      const committedAt = bench.core.wokenAt()
      const ms = (await arrived) - committedAt
      await waitForStatus(bench.test, [sessionId], 'IDLE')
      return ms
    }
    const long = await makeSessions(bench, tenant, sizes.longSessions)
    for (const sessionId of long) await fillLog(bench.test, { tenantId: tenant.tenantId, sessionId, events: sizes.events })
    await bench.test.superuser.query('analyze')
    const askLong = async (sessionId: string): Promise<number> => {
      await compactAtLastHundred(bench.test, { tenantId: tenant.tenantId, sessionId })
      return ask(sessionId)
    }
    for (let warmUp = 0; warmUp < (context.smoke ? 0 : 20); warmUp++) await askLong(long[warmUp % long.length]!)

    const samples = { short: [] as number[], long: [] as number[] }
    for (let message = 0; message < sizes.messages; message++) {
      // A new one each time: its first turn has ended, its log is 7 events long.
      const [short] = await makeSessions(bench, tenant, 1)
      samples.short.push(await ask(short!))
      samples.long.push(await askLong(long[message % long.length]!))
    }
    const p50 = median(samples.short)
    return [
      { what: 'message committed → model asked, log of 10, p50', measured: p50, unit: 'ms', target: { of: 'measured', atMost: 15 } },
      {
        what: 'message committed → model asked, log of 10, p95',
        measured: percentile(samples.short, 95),
        unit: 'ms',
        target: { of: 'measured', atMost: 40 },
      },
      {
        what: `message committed → model asked, log of ${sizes.events}, p50`,
        measured: median(samples.long),
        unit: 'ms',
        yardstick: { what: 'with a log of 10', value: p50 },
        target: { of: 'ratio', atMost: 1.2 },
      },
      {
        what: `message committed → model asked, log of ${sizes.events}, p95`,
        measured: percentile(samples.long, 95),
        unit: 'ms',
        yardstick: { what: 'with a log of 10', value: percentile(samples.short, 95) },
      },
    ]
  } finally {
    await bench.stop()
  }
}

/** Sessions whose first turn has ended. */
const makeSessions = async ({ core, test }: WorkerBench, tenant: Tenant, count: number): Promise<string[]> => {
  const sessionIds: string[] = []
  for (let made = 0; made < count; made++) sessionIds.push(await seedSession(core, tenant))
  await waitForStatus(test, sessionIds, 'IDLE')
  return sessionIds
}
