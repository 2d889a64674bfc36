import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { startDockerEngine } from '@longhaul/worker/testing/start-docker-engine.ts'
import type { Bench } from '../figure.ts'
import { removeSandboxes } from '../platform/remove-sandboxes.ts'
import { startWorkerBench, type WorkerBench } from '../platform/start-worker-bench.ts'
import { startWorkerProcess } from '../platform/start-worker-process.ts'
import { waitForStatus } from '../platform/wait-for-session.ts'

const FILES = 20

/**
 * A session whose files lie on an engine that is gone: from its message to the first tool result at another engine, with all that the
 * session has changed restored from the store and read back. The store is a directory; finding out that the engine is gone is not timed.
 */
export const benchMove: Bench = async (context) => {
  const bytes = (context.smoke ? 0.02 : 100) * 1_000_000
  const snapshots = await mkdtemp(path.join(tmpdir(), 'longhaul-bench-move-'))
  const engine = await startDockerEngine({ image: context.image })
  const env = { SNAPSHOT_URL: pathToFileURL(snapshots).href, MOVE_AFTER_MS: '300', SWEEP_MS: '100' }
  const change = `for i in $(seq ${FILES}); do head -c ${bytes / FILES} /dev/urandom >$i; done`
  const scripts = {
    change: [{ toolCalls: [{ name: 'bash', input: { command: change } }] }, { text: 'Done.' }],
    look: [{ toolCalls: [{ name: 'bash', input: { command: 'ls' } }] }, { text: 'Done.' }],
  }
  const bench = await startWorkerBench(context, {
    scripts,
    env: { ...env, DOCKER_HOST: engine.host, SANDBOX_IDLE_MS: '100', SANDBOX_SUSPEND_MS: '100' },
  })
  try {
    const tenant = await seedTenant(bench.test.db)
    const sessions: string[] = []
    for (let at = 0; at < (context.smoke ? 1 : 4); at++)
      sessions.push(await seedSession(bench.core, tenant, { prompt: 'Begin. [[script:change]]' }))
    await waitForStatus(bench.test, sessions, 'IDLE')
    await until(bench, STORED, sessions.length)
    await bench.workers.pop()?.stop()
    bench.workers.push(await startWorkerProcess({ test: bench.test, model: bench.model, image: context.image, env }))
    await until(bench, 'select count(*) >= $1 as done from engine where gone', 1)
    let slowest = 0
    for (const sessionId of sessions) {
      const sentAt = Date.now()
      await sendMessage(bench.core, tenant.caller, { sessionId, text: 'Look. [[script:look]]', mode: 'QUEUE' })
      await waitForStatus(bench.test, [sessionId], 'IDLE')
      slowest = Math.max(slowest, (await readLastResult(bench, sessionId)) - sentAt)
    }
    return [
      {
        what: `session with ${bytes / 1_000_000} MB changed moves to another engine: message → tool result, slowest`,
        measured: slowest / 1_000,
        unit: 's',
        target: { of: 'measured', atMost: 5 },
      },
    ]
  } finally {
    await removeSandboxes(bench.test.url)
    await bench.stop()
    await engine.stop()
    await rm(snapshots, { recursive: true, force: true })
  }
}

const PATIENCE_MS = 180_000

/** With what the call has changed: a sandbox that had nothing to do before its first call may have been stored without it. */
const STORED = `select count(distinct k.session_id) = $1 as done from checkpoint k where k.snapshot_id is not null
  and k.seq >= (select max(seq) from event e where e.session_id = k.session_id and e.type = 'agent.tool_result')`

const until = async ({ test }: WorkerBench, question: string, wanted: number): Promise<void> => {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(50))
    if ((await test.superuser.query<{ done: boolean }>(question, [wanted])).rows[0]?.done) return
  throw new Error(`this did not come true: ${question}`)
}

/** In milliseconds since 1970. */
const readLastResult = async ({ test }: WorkerBench, sessionId: string): Promise<number> => {
  const { rows } = await test.superuser.query<{ at: string }>(
    `select extract(epoch from max(created_at)) * 1000 as at from event where session_id = $1 and type = 'agent.tool_result' and payload->>'output' like '%20%'`,
    [sessionId],
  )
  return Number(rows[0]?.at)
}
