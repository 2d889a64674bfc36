import { forkSession } from '@longhaul/core/src/forks/fork-session.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import type { Bench } from '../figure.ts'
import { compactAtLastHundred, fillLog } from '../message-to-model/long-log.ts'
import { median } from '../percentile.ts'
import { createBareContainer } from '../platform/bare-container.ts'
import { measureLayers } from '../platform/measure-layers.ts'
import { startWorkerBench, type WorkerBench } from '../platform/start-worker-bench.ts'
import { takeCheckpoint } from '../platform/take-checkpoint.ts'
import { waitForStatus } from '../platform/wait-for-session.ts'

const FORKS = 3
/** What each child writes, beside what it has from its parent. */
const OWN_BYTES = 1_000_000
const FILES = 4

/** Three children of a long session with a large workspace: how long until each has its sandbox, what does the log cost, what the disk? */
export const benchFork: Bench = async (context) => {
  const sizes = context.smoke
    ? { events: 300, bytes: 1_000_000, rounds: 1, logRounds: 1 }
    : { events: 50_000, bytes: 1_000_000_000, rounds: 7, logRounds: 15 }
  const fill = `for i in $(seq ${FILES}); do head -c ${sizes.bytes / FILES} /dev/urandom >$i; done`
  const change = `test $(cat ? | wc -c) = ${sizes.bytes} && head -c ${OWN_BYTES} /dev/urandom >own`
  const scripts = {
    fill: [{ toolCalls: [{ name: 'bash', input: { command: fill } }] }, { text: 'Done.' }],
    small: [{ toolCalls: [{ name: 'bash', input: { command: 'true' } }] }, { text: 'Done.' }],
    child: [{ toolCalls: [{ name: 'bash', input: { command: change } }] }, { text: 'Done.' }],
    answer: [{ text: 'Done.' }],
  }
  const bench = await startWorkerBench(context, { scripts, env: { SANDBOX_IDLE_MS: '600000' } })
  try {
    const tenant = await seedTenant(bench.test.db)
    const { caller, tenantId } = tenant
    const [long, short] = [
      await seedSession(bench.core, tenant, { prompt: 'Begin. [[script:fill]]' }),
      await seedSession(bench.core, tenant, { prompt: 'Begin. [[script:small]]' }),
    ]
    await waitForStatus(bench.test, [long, short], 'IDLE')
    await fillLog(bench.test, { tenantId, sessionId: long, events: sizes.events })
    await compactAtLastHundred(bench.test, { tenantId, sessionId: long })
    await bench.test.superuser.query('analyze')
    const [ofLong, ofShort] = [await takeCheckpoint(bench, caller, long), await takeCheckpoint(bench, caller, short)]

    const fork = async (checkpointId: string, script: string): Promise<{ sessionIds: string[]; startedAt: number; ms: number }> => {
      const one = { title: null, prompt: `Go on. [[script:${script}]]`, agentId: null, budgetNanos: null }
      const startedAt = performance.now()
      const { sessionIds } = await forkSession(bench.core, caller, { checkpointId, forks: Array.from({ length: FORKS }, () => one) })
      const ms = performance.now() - startedAt
      await waitForStatus(bench.test, sessionIds, 'IDLE')
      return { sessionIds, startedAt, ms }
    }
    const logs = { long: [] as number[], short: [] as number[] }
    for (let round = -1; round < sizes.logRounds; round++) {
      const [ms, msOfShort] = [(await fork(ofLong.checkpointId, 'answer')).ms, (await fork(ofShort.checkpointId, 'answer')).ms]
      if (round < 0) continue // the first of each prepares its statements
      logs.long.push(ms)
      logs.short.push(msOfShort)
    }

    const samples = { ours: [] as number[], bare: [] as number[] }
    let grownBytes = 0
    for (let round = 0; round < sizes.rounds; round++) {
      samples.bare.push(await timeBare(ofLong.imageId))
      const { sessionIds, startedAt } = await fork(ofLong.checkpointId, 'child')
      samples.ours.push((await readLastStart(bench, sessionIds)) - performance.timeOrigin - startedAt)
      grownBytes = Math.max(grownBytes, await measureLayers(bench.test.url, sessionIds))
    }
    return [
      {
        what: `fork into ${FORKS}, log of ${sizes.events}, ${sizes.bytes / 1e6} MB: asked → all sandboxes run, p50`,
        measured: median(samples.ours),
        unit: 'ms',
        yardstick: { what: `bare create + start of ${FORKS}`, value: median(samples.bare) },
        target: { of: 'ratio', atMost: 1.3 },
      },
      {
        what: `fork into ${FORKS}: all that is written of it, log of ${sizes.events}, p50`,
        measured: median(logs.long),
        unit: 'ms',
        yardstick: { what: 'with a log of 10', value: median(logs.short) },
        target: { of: 'measured', atMost: 20 },
      },
      {
        what: `fork into ${FORKS}: what the disk holds more, most of ${sizes.rounds}`,
        measured: grownBytes / 1e6,
        unit: 'MB',
        yardstick: { what: 'what the children wrote', value: (FORKS * OWN_BYTES) / 1e6 },
        target: { of: 'ratio', atMost: 1.05 },
      },
    ]
  } finally {
    await bench.stop()
  }
}

/** All at once, as ours are. */
const timeBare = async (imageId: string): Promise<number> => {
  const startedAt = performance.now()
  const containers = await Promise.all(
    Array.from({ length: FORKS }, async () => {
      const container = await createBareContainer(imageId)
      await container.start()
      return container
    }),
  )
  const ms = performance.now() - startedAt
  await Promise.all(containers.map((container) => container.remove()))
  return ms
}

/** When the last of them had its sandbox, in milliseconds since 1970. Throws where a child did not find its parent's files. */
const readLastStart = async ({ test }: WorkerBench, sessionIds: string[]): Promise<number> => {
  const { rows } = await test.superuser.query<{ at: string; found: boolean }>(
    `select extract(epoch from max(created_at) filter (where type = 'sandbox.state')) * 1000 as at,
       count(*) filter (where type = 'agent.tool_result' and payload->>'exitCode' = '0') = $2 as found
     from event where session_id = any($1) and (type = 'agent.tool_result' or payload->>'state' = 'RUNNING')`,
    [sessionIds, sessionIds.length],
  )
  if (!rows[0]?.found) throw new Error("a fork does not have its parent's files")
  return Number(rows[0].at)
}
