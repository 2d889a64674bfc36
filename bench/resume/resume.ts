import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import type { Bench, BenchContext, Figure } from '../figure.ts'
import { median, percentile } from '../percentile.ts'
import { type BareContainer, createBareContainer } from '../platform/bare-container.ts'
import { timeFirstExec } from '../platform/bare-sandbox.ts'
import { readLastResult } from '../platform/read-results.ts'
import { startWorkerBench, type WorkerBench } from '../platform/start-worker-bench.ts'
import { waitForStatus } from '../platform/wait-for-session.ts'
import { waitUntil } from '../platform/wait-until.ts'

type Samples = { ours: number[]; bare: number[]; bareNew: number[] }

/** What a session whose sandbox rests holds: a stopped container, or after longer an image from which one is made. */
type Tier = { name: string; env: Record<string, string>; rested: string; rounds: number }

const STOPPED: Tier = {
  name: 'stopped container',
  env: { SANDBOX_IDLE_MS: '100', SANDBOX_PAUSED_MAX: '0' },
  rested: `select sandbox_state = 'SUSPENDED' and sandbox_id is not null as done from session where id = $1`,
  rounds: 40,
}

const GONE: Tier = {
  name: 'container gone',
  env: { SANDBOX_IDLE_MS: '100', SANDBOX_PAUSED_MAX: '0', SANDBOX_SUSPEND_MS: '100', REAP_MS: '100' },
  // Its archive too: what is stored beside the next sample would be measured with it.
  rested: `select sandbox_state = 'SUSPENDED' and sandbox_id is null
    and not exists (select from checkpoint where session_id = $1 and state <> 'failed' and snapshot_id is null) as done from session where id = $1`,
  rounds: 25,
}

/** A message to a session whose sandbox was put away: how long until the first result of a tool in it is in the log? */
export const benchResume: Bench = async (context) => [
  ...toFigures(STOPPED, await measure(context, STOPPED)),
  ...toFigures(GONE, await measure(context, GONE)),
]

const measure = async (context: BenchContext, { env, rested, rounds }: Tier): Promise<Samples> => {
  const scripts = { look: [{ toolCalls: [{ name: 'bash', input: { command: 'true' } }] }, { text: 'Done.' }] }
  const bench = await startWorkerBench(context, { scripts, env })
  const bare = await createBareContainer(context.image)
  try {
    const tenant = await seedTenant(bench.test.db)
    const sessionId = await seedSession(bench.core, tenant, { prompt: 'Begin. [[script:look]]' })
    const samples: Samples = { ours: [], bare: [], bareNew: [] }
    for (let round = 0; round < (context.smoke ? 1 : rounds); round++) {
      await waitUntil(bench.test, rested, [sessionId])
      const sentAt = performance.timeOrigin + performance.now()
      await sendMessage(bench.core, tenant.caller, { sessionId, text: 'Look again. [[script:look]]', mode: 'QUEUE' })
      await waitForStatus(bench.test, [sessionId], 'IDLE')
      samples.ours.push((await readLastResult(bench.test, sessionId)) - sentAt)
      await waitUntil(bench.test, rested, [sessionId])
      samples.bare.push(await timeStart(bare))
      samples.bareNew.push(await timeFirstExec(context.image, 'true'))
    }
    await assertResumed(bench, sessionId)
    return samples
  } finally {
    await bare.remove()
    await bench.stop()
  }
}

const timeStart = async (bare: BareContainer): Promise<number> => {
  const startedAt = performance.now()
  await bare.start()
  await bare.exec('true')
  const ms = performance.now() - startedAt
  await bare.stop()
  return ms
}

/** One that was lost and began anew would be another thing. */
const assertResumed = async ({ test }: WorkerBench, sessionId: string): Promise<void> => {
  const { rows } = await test.superuser.query(
    `select from event where session_id = $1 and type = 'sandbox.state' and payload->>'state' = 'LOST'`,
    [sessionId],
  )
  if (rows.length > 0) throw new Error(`session ${sessionId} has lost its sandbox`)
}

const toFigures = ({ name }: Tier, { ours, bare, bareNew }: Samples): Figure[] => {
  const what = `resume, ${name}: message → first tool result`
  return [
    {
      what: `${what}, p50`,
      measured: median(ours),
      unit: 'ms',
      yardstick: { what: 'bare start + exec', value: median(bare) },
      target: { of: 'ratio', atMost: 1.25 },
    },
    { what: `${what}, p95`, measured: percentile(ours, 95), unit: 'ms', target: { of: 'measured', atMost: 400 } },
    { what: `${what}, p50`, measured: median(ours), unit: 'ms', yardstick: { what: 'bare create + start + exec', value: median(bareNew) } },
  ]
}
