import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import type { Script } from '@longhaul/core/testing/scripted-model/script.ts'
import type { ScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import type { Bench } from '../figure.ts'
import { median } from '../percentile.ts'
import { startWorkerBench, type WorkerBench } from '../platform/start-worker-bench.ts'
import { waitForStatus } from '../platform/wait-for-session.ts'
import { openBareSandbox } from './open-bare-sandbox.ts'

/** What a turn takes from being due to being settled, less what the same model call and the same tool call take without us. */
export const benchTurnOverhead: Bench = async (context) => {
  const { rounds, turns } = context.smoke ? { rounds: 1, turns: 2 } : { rounds: 8, turns: 20 }
  const bench = await startWorkerBench(context, {
    scripts: { begin: useTool(1), work: useTool(turns), talk: () => ({ text: 'On it.' }) },
  })
  const sandbox = await openBareSandbox(context.image)
  try {
    const tenant = await seedTenant(bench.test.db)
    const samples = { talk: [] as number[], work: [] as number[], model: [] as number[], tool: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      // A new one each round: what is measured is a turn, not the reading of a context that nobody compacts.
      const sessionId = await seedSession(bench.core, tenant, { prompt: 'Begin. [[script:begin]]' })
      await waitForStatus(bench.test, [sessionId], 'IDLE')
      // The last turn of a piece of work calls no tool.
      samples.work.push(...(await send(bench, { tenant, sessionId, text: 'Work. [[script:work]]' })).slice(0, -1))
      for (let turn = 0; turn < turns; turn++) {
        samples.talk.push(...(await send(bench, { tenant, sessionId, text: 'Talk. [[script:talk]]' })))
        samples.model.push(await timeModel(bench.model))
        samples.tool.push(await sandbox.timeNoOp())
      }
    }
    const [model, tool] = [median(samples.model), median(samples.tool)]
    return [
      {
        what: 'a turn without tools, p50',
        measured: median(samples.talk),
        unit: 'ms',
        yardstick: { what: 'the model alone', value: model },
        target: { of: 'difference', atMost: 12 },
      },
      {
        what: 'a turn with one tool call, p50',
        measured: median(samples.work),
        unit: 'ms',
        yardstick: { what: 'the model and the sandbox alone', value: model + tool },
        target: { of: 'difference', atMost: 12 },
      },
    ]
  } finally {
    await sandbox.remove()
    await bench.stop()
  }
}

/** So many answers that call a tool, then one that does not. */
const useTool =
  (times: number): Script =>
  (_, { index }) =>
    index < times ? { text: 'On it.', toolCalls: [{ name: 'bash', input: { command: 'true' } }] } : { text: 'Done.' }

/** Sends a message and returns how long each of the turns took that it brought about. */
const send = async (
  bench: WorkerBench,
  { tenant, sessionId, text }: { tenant: Awaited<ReturnType<typeof seedTenant>>; sessionId: string; text: string },
): Promise<number[]> => {
  const from = (await readTurns(bench, sessionId)).length
  await sendMessage(bench.core, tenant.caller, { sessionId, text, mode: 'QUEUE' })
  await waitForStatus(bench.test, [sessionId], 'IDLE')
  return (await readTurns(bench, sessionId)).slice(from)
}

/** How long each settled turn took from the commit before it, oldest first, in milliseconds. */
const readTurns = async ({ test }: WorkerBench, sessionId: string): Promise<number[]> => {
  const { rows } = await test.superuser.query<{ ms: string }>(
    `select extract(epoch from settled_at - created_at) * 1000 as ms from turn where session_id = $1 and state = 'settled' order by created_at`,
    [sessionId],
  )
  return rows.map(({ ms }) => Number(ms))
}

/** The newest request again, by a client that only reads the answer to its end. */
const timeModel = async (model: ScriptedModel): Promise<number> => {
  const body = JSON.stringify(model.requests.at(-1)?.body)
  const headers = { 'content-type': 'application/json', 'x-api-key': model.apiKey, 'anthropic-version': '2023-06-01' }
  const startedAt = performance.now()
  const response = await fetch(`${model.url}/v1/messages`, { method: 'POST', headers, body })
  await response.text()
  if (!response.ok) throw new Error(`the model answered ${response.status}`)
  return performance.now() - startedAt
}
