import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import type { Bench, BenchContext } from '../figure.ts'
import { median } from '../percentile.ts'
import { createBareContainer } from '../platform/bare-container.ts'
import { startWorkerBench } from '../platform/start-worker-bench.ts'
import { takeCheckpoint } from '../platform/take-checkpoint.ts'
import { waitForStatus } from '../platform/wait-for-session.ts'
import { measureWaits } from './measure-waits.ts'

/** A session has changed 100 MB in 2,000 files: what does a checkpoint take, and how long does a tool call wait for one? */
export const benchCheckpoint: Bench = async (context) => {
  const sizes = context.smoke
    ? { files: 4, bytes: 20_000, rounds: 1, waits: 1, turns: 3, modelMs: 20, everyCalls: 2 }
    : { files: 2_000, bytes: 100_000_000, rounds: 10, waits: 8, turns: 50, modelMs: 2_000, everyCalls: 5 }
  const change = `for i in $(seq ${sizes.files}); do head -c ${sizes.bytes / sizes.files} /dev/urandom >$i; done`
  const what = `${sizes.bytes / 1e6} MB in ${sizes.files} files`
  const { ours, bare } = await measureCheckpoints(context, { change, rounds: sizes.rounds })
  // The call leaves time to store what was kept: else one checkpoint would wait for another's archive.
  const atOnce = { change, call: context.smoke ? 'true' : 'sleep 2', turns: sizes.waits, modelMs: 0, everyCalls: 1 }
  const slowest = Math.max(...(await measureWaits(context, atOnce)).waits)
  const long = await measureWaits(context, { ...sizes, change, call: 'true' })
  return [
    {
      what: `checkpoint, ${what}: asked → whole, p50`,
      measured: median(ours),
      unit: 'ms',
      yardstick: { what: 'bare commit', value: median(bare) },
      target: { of: 'ratio', atMost: 1.25 },
    },
    {
      what: `a tool call waits for a checkpoint, ${what}, model at once, slowest`,
      measured: slowest,
      unit: 'ms',
      yardstick: { what: 'bare commit, slowest', value: Math.max(...bare) },
      target: { of: 'ratio', atMost: 1 },
    },
    {
      // Nine of ten: the p90 is 0.
      what: `calls that wait 0 ms, ${sizes.turns} turns, model ${sizes.modelMs} ms, ${long.checkpoints} checkpoints`,
      measured: long.waits.filter((ms) => ms === 0).length / long.waits.length,
      unit: 'of all',
      target: { of: 'measured', atLeast: 0.9 },
    },
  ]
}

/** Ours and a bare commit of an equal container, by turns. */
const measureCheckpoints = async (
  context: BenchContext,
  { change, rounds }: { change: string; rounds: number },
): Promise<{ ours: number[]; bare: number[] }> => {
  const scripts = { change: [{ toolCalls: [{ name: 'bash', input: { command: change } }] }, { text: 'Done.' }] }
  const env = { CHECKPOINT_EVERY_CALLS: '0', SANDBOX_IDLE_MS: '600000' }
  const bench = await startWorkerBench(context, { scripts, env })
  const container = await createBareContainer(context.image)
  try {
    const { caller, ...tenant } = await seedTenant(bench.test.db)
    const sessionId = await seedSession(bench.core, { caller, ...tenant }, { prompt: 'Begin. [[script:change]]' })
    await waitForStatus(bench.test, [sessionId], 'IDLE')
    await container.start()
    await container.exec(`cd /workspace && ${change}`)
    const samples = { ours: [] as number[], bare: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      samples.ours.push((await takeCheckpoint(bench, caller, sessionId)).ms)
      const startedAt = performance.now()
      const image = await container.commit()
      samples.bare.push(performance.now() - startedAt)
      await image.forget()
    }
    return samples
  } finally {
    await container.remove()
    await bench.stop()
  }
}
