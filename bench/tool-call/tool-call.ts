import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import type { Bench } from '../figure.ts'
import { median } from '../percentile.ts'
import { recordArrivals } from '../platform/arrivals.ts'
import { openBareChannel, timeFirstExec } from '../platform/bare-sandbox.ts'
import { startWorkerBench, type WorkerBench } from '../platform/start-worker-bench.ts'
import { waitForStatus } from '../platform/wait-for-session.ts'

const noOp = { name: 'bash', input: { command: 'true' } }
const CALLS = 20

/** A tool call that does nothing, logged before and after, beside the bare channel; and the first one in a new sandbox, none kept ready, beside bare create + start + exec. */
export const benchToolCall: Bench = async (context) => {
  const arrivals = recordArrivals(({ index }) => (index === 0 ? { toolCalls: [noOp] } : { text: 'Done.' }))
  const scripts = { calls: [{ toolCalls: Array.from({ length: CALLS }, () => noOp) }, { text: 'Done.' }], first: arrivals.script }
  const bench = await startWorkerBench(context, { scripts, env: { SANDBOX_WARM: '0' } })
  const channel = await openBareChannel(context.image)
  try {
    const tenant = await seedTenant(bench.test.db)
    const calls: number[] = []
    const bare: number[] = []
    const sessionId = await seedSession(bench.core, tenant, { prompt: 'Begin. [[script:calls]]' })
    await waitForStatus(bench.test, [sessionId], 'IDLE')
    for (let round = 0; round < (context.smoke ? 1 : 10); round++) {
      const from = (await readResults(bench, sessionId)).length
      await sendMessage(bench.core, tenant.caller, { sessionId, text: 'Again. [[script:calls]]', mode: 'QUEUE' })
      await waitForStatus(bench.test, [sessionId], 'IDLE')
      // From one result to the next lies all that a call is: the last one's commit, the log entry, the run, the result.
      const results = (await readResults(bench, sessionId)).slice(from)
      calls.push(...results.slice(1).map((at, index) => at - results[index]!))
      for (let call = 0; call < CALLS; call++) bare.push(await time(() => channel.run('true')))
    }

    const first: number[] = []
    const bareFirst: number[] = []
    for (let sample = 0; sample < (context.smoke ? 1 : 12); sample++) {
      const prompt = `Begin. [[script:first]]`
      const fresh = await seedSession(bench.core, tenant, { prompt })
      const askedAt = performance.timeOrigin + (await arrivals.next(fresh))
      await waitForStatus(bench.test, [fresh], 'IDLE')
      first.push((await readResults(bench, fresh))[0]! - askedAt)
      bareFirst.push(await timeFirstExec(context.image, 'true'))
    }
    return [
      {
        what: 'a tool call that does nothing, p50',
        measured: median(calls),
        unit: 'ms',
        yardstick: { what: 'bare attached channel', value: median(bare) },
        target: { of: 'difference', atMost: 5 },
      },
      {
        what: 'first command in a new sandbox, p50',
        measured: median(first),
        unit: 'ms',
        yardstick: { what: 'bare create + start + exec', value: median(bareFirst) },
        target: { of: 'ratio', atMost: 1.25 },
      },
    ]
  } finally {
    await channel.remove()
    await bench.stop()
  }
}

/** When each tool result was appended, in milliseconds since 1970. */
const readResults = async ({ test }: WorkerBench, sessionId: string): Promise<number[]> => {
  const { rows } = await test.superuser.query<{ at: string }>(
    `select extract(epoch from created_at) * 1000 as at from event where session_id = $1 and type = 'agent.tool_result' and payload->>'outcome' = 'done' order by seq`,
    [sessionId],
  )
  return rows.map(({ at }) => Number(at))
}

const time = async (run: () => Promise<void>): Promise<number> => {
  const startedAt = performance.now()
  await run()
  return performance.now() - startedAt
}
