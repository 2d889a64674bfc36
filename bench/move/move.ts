import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { createCheckpoint } from '@longhaul/core/src/checkpoints/create-checkpoint.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { startDockerEngine } from '@longhaul/worker/testing/start-docker-engine.ts'
import type { Bench } from '../figure.ts'
import { readLastResult } from '../platform/read-results.ts'
import { removeSandboxes } from '../platform/remove-sandboxes.ts'
import { startWorkerBench } from '../platform/start-worker-bench.ts'
import { startWorkerProcess } from '../platform/start-worker-process.ts'
import { waitForStatus } from '../platform/wait-for-session.ts'
import { waitUntil } from '../platform/wait-until.ts'

const FILES = 20
/** Of the last file, in what the agent sees of its folder. */
const LISTED = '20'

const STORED = 'select count(*) = $1 as done from checkpoint where snapshot_id is not null'

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
  const bench = await startWorkerBench(context, { scripts, env: { ...env, DOCKER_HOST: engine.host } })
  try {
    const tenant = await seedTenant(bench.test.db)
    const sessions: string[] = []
    for (let at = 0; at < (context.smoke ? 1 : 4); at++)
      sessions.push(await seedSession(bench.core, tenant, { prompt: 'Begin. [[script:change]]' }))
    await waitForStatus(bench.test, sessions, 'IDLE')
    for (const sessionId of sessions) await createCheckpoint(bench.core, tenant.caller, { sessionId, label: null })
    await waitUntil(bench.test, STORED, [sessions.length])
    await bench.workers.pop()?.stop()
    bench.workers.push(await startWorkerProcess({ test: bench.test, model: bench.model, image: context.image, env }))
    await waitUntil(bench.test, 'select count(*) = 1 as done from engine where gone', [])
    let slowest = 0
    for (const sessionId of sessions) {
      const sentAt = Date.now()
      await sendMessage(bench.core, tenant.caller, { sessionId, text: 'Look. [[script:look]]', mode: 'QUEUE' })
      await waitForStatus(bench.test, [sessionId], 'IDLE')
      slowest = Math.max(slowest, (await readLastResult(bench.test, sessionId, LISTED)) - sentAt)
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
