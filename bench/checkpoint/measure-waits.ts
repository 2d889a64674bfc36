import type { StepFunction } from '@longhaul/core/testing/scripted-model/script.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import type { BenchContext } from '../figure.ts'
import { startWorkerBench, type WorkerBench } from '../platform/start-worker-bench.ts'
import { waitForStatus } from '../platform/wait-for-session.ts'

/** `call`: what each turn's one tool call runs. */
export type WorkedSession = { change: string; call: string; turns: number; modelMs: number; everyCalls: number }

const PATIENCE_MS = 300_000

/**
 * A session that first changes its files and then works on, checkpointed beside the model after every so many calls: for each of its calls
 * the milliseconds from the model's answer to the call's place in the log while a checkpoint was being taken, and 0 where none was.
 */
export const measureWaits = async (
  context: BenchContext,
  { change, call, turns, modelMs, everyCalls }: WorkedSession,
): Promise<{ waits: number[]; checkpoints: number }> => {
  const answeredAt: number[] = []
  const work: StepFunction = (_request, { index }) => {
    answeredAt[index] = performance.timeOrigin + performance.now() + modelMs
    if (index > turns) return { text: 'Done.', delayMs: modelMs }
    return { toolCalls: [{ name: 'bash', input: { command: index === 0 ? change : call } }], delayMs: modelMs }
  }
  const env = { CHECKPOINT_EVERY_CALLS: String(everyCalls), CHECKPOINT_MIN_MS: '0' }
  const bench = await startWorkerBench(context, { scripts: { work }, env })
  try {
    const tenant = await seedTenant(bench.test.db)
    const sessionId = await seedSession(bench.core, tenant, { prompt: 'Begin. [[script:work]]' })
    await waitForStatus(bench.test, [sessionId], 'IDLE', PATIENCE_MS)
    const taken = await readTaken(bench, sessionId)
    const calls = await readCalls(bench, sessionId)
    // Without the first, which opens the sandbox.
    const waits = calls.slice(1).map((at, index) => {
      const answered = answeredAt[index + 1]!
      return taken.some(({ from, to }) => from <= answered && answered < to) ? at - answered : 0
    })
    return { waits, checkpoints: taken.length }
  } finally {
    await bench.stop()
  }
}

/** In milliseconds since 1970, as the checkpoints' rows and the log have it. */
const readTaken = async ({ test }: WorkerBench, sessionId: string): Promise<{ from: number; to: number }[]> => {
  const { rows } = await test.superuser.query<{ from: string; to: string }>(
    `select extract(epoch from k.created_at) * 1000 as from, extract(epoch from e.created_at) * 1000 as to from checkpoint k
       join event e on e.session_id = k.session_id and e.type = 'session.checkpointed' and e.payload->>'checkpointId' = k.id
     where k.session_id = $1 order by e.seq`,
    [sessionId],
  )
  return rows.map(({ from, to }) => ({ from: Number(from), to: Number(to) }))
}

const readCalls = async ({ test }: WorkerBench, sessionId: string): Promise<number[]> => {
  const { rows } = await test.superuser.query<{ at: string }>(
    `select extract(epoch from created_at) * 1000 as at from event where session_id = $1 and type = 'agent.tool_call' order by seq`,
    [sessionId],
  )
  return rows.map(({ at }) => Number(at))
}
