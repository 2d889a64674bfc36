import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { forkSession } from '@longhaul/core/src/forks/fork-session.ts'
import { deleteSession } from '@longhaul/core/src/sessions/delete-session.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import type { Bench } from '../figure.ts'
import { listSandboxes } from '../platform/remove-sandboxes.ts'
import { startWorkerBench, type WorkerBench } from '../platform/start-worker-bench.ts'
import { waitForStatus } from '../platform/wait-for-session.ts'
import { waitUntil } from '../platform/wait-until.ts'
import { readResources, tellingEnv } from './read-resources.ts'

type Tenant = Awaited<ReturnType<typeof seedTenant>>
type Sizes = { count: number; opened: number; restMs: number }

const WAVE = 50

/**
 * What does a host hold for sessions that are suspended? A worker serves so many, which are then deleted; the same worker serves as many
 * again, which stay: the same history, with none and with all of them.
 */
export const benchSuspended: Bench = async (context) => {
  // A pool lets go of connections that were idle for ten seconds.
  const sizes: Sizes = context.smoke ? { count: 4, opened: 1, restMs: 0 } : { count: 1_000, opened: 24, restMs: 12_000 }
  const scripts = {
    work: [{ toolCalls: [{ name: 'bash', input: { command: 'echo mine >file' } }] }, { text: 'Done.' }],
    answer: [{ text: 'Done.' }],
  }
  const place = path.join(tmpdir(), `longhaul-bench-resources-${process.pid}`)
  // None frozen, and none kept ready: those are a fixed number of a host, and no suspended session's.
  const suspendSoon = { SANDBOX_IDLE_MS: '100', SANDBOX_PAUSED_MAX: '0', SANDBOX_WARM: '0', SANDBOX_SUSPEND_MS: '100', REAP_MS: '100' }
  const bench = await startWorkerBench(context, { scripts, env: { ...suspendSoon, ...tellingEnv(place) } })
  try {
    const tenant = await seedTenant(bench.test.db, { maxConcurrentSessions: WAVE })
    const pid = bench.workers[0]!.pid
    const served = await serveAndSuspend(bench, tenant, sizes)
    for (const sessionId of served) await deleteSession(bench.core, tenant.caller, { sessionId })
    await sleep(sizes.restMs)
    const none = await readResources(pid, place)
    await serveAndSuspend(bench, tenant, sizes)
    await sleep(sizes.restMs)
    const all = await readResources(pid, place)
    const containers = (await listSandboxes(bench.test.url)).length
    const what = `with ${sizes.count} suspended sessions`
    return [
      {
        what: `suspended sessions of ${sizes.count} that hold no container`,
        measured: 1 - containers / sizes.count,
        unit: 'of all',
        target: { of: 'measured', atLeast: 1 },
      },
      {
        what: `the worker's connections, ${what}`,
        measured: all.sockets,
        unit: 'in all',
        yardstick: { what: 'with none', value: none.sockets },
        target: { of: 'difference', atMost: MOMENTARY },
      },
      {
        what: `the worker's timers, ${what}`,
        measured: all.timers,
        unit: 'in all',
        yardstick: { what: 'with none', value: none.timers },
        target: { of: 'difference', atMost: MOMENTARY },
      },
      {
        what: `the worker's resident memory, ${what}`,
        measured: all.residentBytes / 1e6,
        unit: 'MB',
        yardstick: { what: 'with none', value: none.residentBytes / 1e6 },
        target: { of: 'ratio', atMost: 1.1 },
      },
    ]
  } finally {
    await bench.stop()
    await rm(place, { force: true })
  }
}

/** What one look may find open for a moment, a sweep's or a reaper's: one for each session would be hundreds. */
const MOMENTARY = 5

const SUSPENDED = `select count(*) = $2 as done from session s where id = any($1) and sandbox_state = 'SUSPENDED' and sandbox_id is null
  and not exists (select from checkpoint k where k.session_id = s.id and k.state <> 'failed' and k.snapshot_id is null)`

/**
 * Some have a container, which their worker suspends into an image. The others are forks of one of these: they have files and an image to go
 * on from, and have worked without a tool. A container for each of a thousand would take a quarter of an hour.
 */
const serveAndSuspend = async ({ core, test }: WorkerBench, tenant: Tenant, { count, opened }: Sizes): Promise<string[]> => {
  const sessionIds: string[] = []
  for (let made = 0; made < opened; made++) sessionIds.push(await seedSession(core, tenant, { prompt: 'Begin. [[script:work]]' }))
  await waitForStatus(test, sessionIds, 'IDLE')
  await waitUntil(test, SUSPENDED, [sessionIds, opened])
  const { rows } = await test.superuser.query<{ id: string }>(
    `select id from checkpoint where session_id = $1 and state = 'whole' limit 1`,
    [sessionIds[0]],
  )
  const one = { title: null, prompt: 'Go on. [[script:answer]]', agentId: null, budgetNanos: null }
  while (sessionIds.length < count) {
    const forks = Array.from({ length: Math.min(WAVE, count - sessionIds.length) }, () => one)
    const forked = await forkSession(core, tenant.caller, { checkpointId: rows[0]!.id, forks })
    await waitForStatus(test, forked.sessionIds, 'IDLE')
    sessionIds.push(...forked.sessionIds)
  }
  return sessionIds
}
