// Faults of worker processes: killed twice on one turn, killed by a turn, told to stop, frozen past their lease, racing one another.
import { createId } from '@longhaul/core/src/ids.ts'
import { appendEvents } from '@longhaul/core/src/log/append-events.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { claimTurn } from '@longhaul/core/src/turns/claim-turn.ts'
import { startLease } from '@longhaul/core/src/turns/leases.ts'
import { releaseClaim } from '@longhaul/core/src/turns/release-claim.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import Docker from 'dockerode'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { readSessionEvents, waitForSession, waitForStatus } from '../testing/read-session.ts'
import { waitForHolder } from '../testing/turn-holder.ts'
import { createWorkerProcesses, type WorkerProcesses } from '../testing/worker-process.ts'

let scene: FaultScene
let workers: WorkerProcesses

beforeAll(async () => {
  scene = await createFaultScene()
  scene.model.addScript('long-call', [{ text: 'A long answer. '.repeat(30), chunkDelayMs: 60 }])
  scene.model.addScript('poison', [{ toolCalls: [{ name: 'poison', input: {} }] }])
})
afterAll(() => scene?.stop())
beforeEach(async () => {
  workers = await createWorkerProcesses(scene)
})
afterEach(() => workers.stop())

const seed = async (script: string, count = 1): Promise<string[]> => {
  const tenant = await seedTenant(scene.test.db)
  const parts = silentParts(scene.test.db)
  return Promise.all(
    Array.from({ length: count }, () => seedSession(parts, tenant, { prompt: `[[script:${script}]]`, budgetNanos: 1_000_000_000n })),
  )
}
const seedOne = async (script: string): Promise<string> => String((await seed(script))[0])
const turnsOf = async (sessionId: string) =>
  (await scene.test.superuser.query('select state, outcome, suspect, crashes from turn where session_id = $1 order by id', [sessionId]))
    .rows
const outcomes = async (sessionId: string) =>
  (await readSessionEvents(scene.test, sessionId))
    .filter(({ type }) => type === 'agent.tool_result')
    .map(({ payload }) => ({ outcome: payload['outcome'], output: payload['output'], exitCode: payload['exitCode'] }))

describe('a worker killed', () => {
  it('twice in a row on one turn: a third brings it to its end, and both lost calls count at what was held for them', async () => {
    const [first, second] = [await workers.start(), await workers.start()]
    const sessionId = await seedOne('long-call')
    await scene.model.waitForRequest(({ session }) => session === sessionId)
    const holder = await waitForHolder(scene.test, sessionId)
    process.kill(holder.pid, 'SIGKILL')
    const killed = holder.pid === first.child.pid ? first : second
    const other = killed === first ? second : first
    await killed.exited
    const alone = await waitForHolder(scene.test, sessionId, { not: [holder.workerId] })
    expect(alone.kind).toBe('suspect')
    await scene.model.waitForRequest(({ session, attempt }) => session === sessionId && attempt === 2)
    process.kill(alone.pid, 'SIGKILL')
    other.child.kill('SIGKILL')
    await other.exited
    await workers.start()
    await waitForStatus(scene.test, sessionId, ['IDLE'], 90_000)

    expect(await turnsOf(sessionId)).toEqual([{ state: 'settled', outcome: 'ended', suspect: true, crashes: 1 }])
    const { rows } = await scene.test.superuser.query('select basis from charge where session_id = $1 order by reserved_at', [sessionId])
    expect(rows.map(({ basis }) => basis)).toEqual(['presumed', 'presumed', 'exact'])
    await scene.expectClean()
  }, 180_000)

  it('by a turn that kills every worker: it is paused after three deaths alone, and the five sessions beside it go on', async () => {
    // Asked the first time it never answers: its turn runs when the worker dies.
    scene.model.addScript('beside', (_request, { attempt }) => ({ text: 'Beside.', ...(attempt === 1 ? { delayMs: 120_000 } : {}) }))
    const lone = await workers.start()
    const beside = await seed('beside', 5)
    await Promise.all(beside.map((sessionId) => scene.model.waitForRequest(({ session }) => session === sessionId)))
    const poisonous = await seedOne('poison')
    expect(await lone.exited).toMatchObject({ signal: 'SIGKILL' })
    const survivor = await workers.start()
    for (const sessionId of beside) await waitForStatus(scene.test, sessionId, ['IDLE'], 60_000)
    const paused = await waitForStatus(scene.test, poisonous, ['PAUSED'], 60_000)
    expect(paused.stop_reason).toBe('CRASH_LOOP')
    expect((await turnsOf(poisonous)).at(-1)).toMatchObject({ state: 'waiting', suspect: true, crashes: 3 })
    for (const sessionId of beside)
      expect(await turnsOf(sessionId)).toEqual([{ state: 'settled', outcome: 'ended', suspect: true, crashes: 0 }])
    expect(survivor.child.exitCode ?? survivor.child.signalCode).toBeNull()
    await scene.expectClean()
  }, 120_000)
})

describe('a worker killed with many turns running', () => {
  it('leaves no queue of suspects: most run at once, and when their process dies too, nobody is blamed and each finishes', async () => {
    const first = await workers.start()
    const sessionIds = await seed('long-call', 24)
    for (const sessionId of sessionIds) await scene.model.waitForRequest(({ session }) => session === sessionId)
    first.child.kill('SIGKILL')
    await first.exited
    await workers.start()
    const crowd = async () =>
      (
        await scene.test.superuser.query<{ pid: number; turns: number }>(
          `select l.pid, count(*)::int as turns from lease l join claim c on c.worker_id = l.worker_id
           where l.kind = 'crowd' and l.expires_at > clock_timestamp() group by l.pid`,
        )
      ).rows[0]
    let held = await crowd()
    while ((held?.turns ?? 0) < 12) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      held = await crowd()
    }
    process.kill(Number(held?.pid), 'SIGKILL')
    for (const sessionId of sessionIds) {
      await waitForStatus(scene.test, sessionId, ['IDLE'], 120_000)
      expect((await turnsOf(sessionId)).map(({ outcome, crashes }) => [outcome, crashes])).toEqual([['ended', 0]])
    }
    await scene.expectClean()
  }, 240_000)
})

describe('a message that interrupts', () => {
  it('when the worker of the tool at hand has died: whoever takes over ends its processes, and none of its calls begins', async () => {
    scene.model.addScript('left-behind', [
      {
        toolCalls: [
          { name: 'bash', input: { command: 'echo begun; sleep 300' } },
          { name: 'bash', input: { command: 'echo second' } },
        ],
      },
      { text: 'Heard.' },
    ])
    const worker = await workers.start()
    const tenant = await seedTenant(scene.test.db)
    const parts = silentParts(scene.test.db)
    const sessionId = await seedSession(parts, tenant, { prompt: '[[script:left-behind]]' })
    const container = new Docker().getContainer(`longhaul-${sessionId}`)
    const sleeps = async () => JSON.stringify(await container.top().catch(() => '')).includes('sleep 300')
    while (!(await sleeps())) await new Promise((resolve) => setTimeout(resolve, 50))
    worker.child.kill('SIGKILL')
    await worker.exited
    await sendMessage(parts, tenant.caller, { sessionId, text: 'Stop that.', mode: 'INTERRUPT' })
    await workers.start()
    await waitForStatus(scene.test, sessionId, ['IDLE'], 60_000)
    expect(await sleeps()).toBe(false)
    expect((await outcomes(sessionId)).map(({ outcome, output }) => [outcome, output])).toEqual([
      ['interrupted', expect.stringContaining('begun')],
      ['not_run', expect.any(String)],
    ])
    await scene.expectClean()
  }, 120_000)
})

describe('a worker told to stop with turns running', () => {
  it('lets those end that can, hands over the others, and none fails or counts a crash', async () => {
    scene.model.addScript('short', [{ text: 'A short answer. '.repeat(4), chunkDelayMs: 40 }])
    const doomed = await workers.start({ DRAIN_MS: '2500' })
    const short = await seed('short', 3)
    const long = await seed('long-call', 3)
    await Promise.all([...short, ...long].map((sessionId) => waitForHolder(scene.test, sessionId)))
    doomed.child.kill('SIGTERM')
    expect(await doomed.exited).toEqual({ code: 0, signal: null })
    for (const sessionId of short) await waitForStatus(scene.test, sessionId, ['IDLE'], 1_000)
    await workers.start()
    for (const sessionId of long) await waitForStatus(scene.test, sessionId, ['IDLE'], 90_000)
    for (const sessionId of [...short, ...long]) {
      expect(await turnsOf(sessionId)).toEqual([{ state: 'settled', outcome: 'ended', suspect: false, crashes: 0 }])
      const types = (await readSessionEvents(scene.test, sessionId)).map(({ type }) => type)
      expect(types).not.toContain('harness.error')
    }
    await scene.expectClean()
  }, 180_000)

  it('leaves a tool call running in its sandbox, and the next worker collects its result', async () => {
    scene.model.addScript('long-tool', [
      { toolCalls: [{ name: 'bash', input: { command: 'echo begun >> once; sleep 8; cat once; echo ended' } }] },
      { text: 'Done.' },
    ])
    const doomed = await workers.start({ DRAIN_MS: '200' })
    const sessionId = await seedOne('long-tool')
    await waitForSession(scene.test, sessionId, ({ tool_calls }) => tool_calls === 1, 30_000)
    doomed.child.kill('SIGTERM')
    expect(await doomed.exited).toEqual({ code: 0, signal: null })
    await workers.start()
    await waitForStatus(scene.test, sessionId, ['IDLE'], 90_000)
    expect(await outcomes(sessionId)).toEqual([{ outcome: 'done', output: 'begun\nended\n', exitCode: 0 }])
    expect((await turnsOf(sessionId)).map(({ suspect, crashes }) => [suspect, crashes])).toEqual([
      [false, 0],
      [false, 0],
    ])
    await scene.expectClean()
  }, 180_000)

  it('hands over the suspect that runs in its child too, and counts no crash', async () => {
    const [first, second] = [await workers.start(), await workers.start({ DRAIN_MS: '300' })]
    const sessionId = await seedOne('long-call')
    const holder = await waitForHolder(scene.test, sessionId)
    const [killed, stopping] = holder.pid === first.child.pid ? [first, second] : [second, first]
    killed.child.kill('SIGKILL')
    await waitForHolder(scene.test, sessionId, { not: [holder.workerId] })
    stopping.child.kill('SIGTERM')
    expect(await stopping.exited).toEqual({ code: 0, signal: null })
    await workers.start()
    await waitForStatus(scene.test, sessionId, ['IDLE'], 90_000)
    expect(await turnsOf(sessionId)).toEqual([{ state: 'settled', outcome: 'ended', suspect: true, crashes: 0 }])
    await scene.expectClean()
  }, 180_000)
})

describe('a worker frozen past its lease', () => {
  it('finds every late write refused when it wakes, and what it had spent is settled at its true cost', async () => {
    const first = await workers.start()
    const sessionId = await seedOne('long-call')
    await scene.model.waitForRequest(({ session }) => session === sessionId)
    const frozen = await waitForHolder(scene.test, sessionId)
    first.child.kill('SIGSTOP')
    await workers.start()
    const taken = await waitForHolder(scene.test, sessionId, { not: [frozen.workerId] })
    expect(taken.epoch).toBeGreaterThan(frozen.epoch)
    await waitForStatus(scene.test, sessionId, ['IDLE'], 90_000)
    const { head } = await waitForSession(scene.test, sessionId, () => true)
    const presumed = async () =>
      (await scene.test.superuser.query("select count(*)::int as n from charge where session_id = $1 and basis = 'presumed'", [sessionId]))
        .rows[0].n
    expect(await presumed()).toBe(1)
    first.child.kill('SIGCONT')
    const until = Date.now() + 20_000
    while ((await presumed()) > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await presumed()).toBe(0)
    const answers = (await readSessionEvents(scene.test, sessionId)).filter(({ type }) => type === 'agent.message')
    expect(answers).toHaveLength(1)
    const { rows } = await scene.test.superuser.query('select type from event where session_id = $1 and seq > $2', [sessionId, head])
    expect(rows).toEqual([])
    await scene.expectClean()
    // It goes on as a worker under a new lease.
    const [next] = await seed('long-call')
    await waitForStatus(scene.test, String(next), ['IDLE'], 90_000)
    await scene.expectClean()
  }, 180_000)
})

describe('two workers that race for one thread', () => {
  it('a thousand times: one gets it each time, under the next epoch, and the loser writes nothing', async () => {
    const { db } = scene.test
    const tenant = await seedTenant(db)
    const sessionId = await seedSession(silentParts(db), tenant)
    const { rows } = await scene.test.superuser.query('select id, thread_id from turn where session_id = $1', [sessionId])
    const [{ id: turnId, thread_id: threadId }] = rows
    const racers = [createId('wrk'), createId('wrk')]
    for (const workerId of racers)
      await startLease(db, { workerId, engineId: null, kind: 'worker', host: 'here', pid: 1, leaseMs: 600_000 })
    const { tenantId } = tenant
    for (let round = 1; round <= 1_000; round++) {
      const claims = await Promise.all(
        racers.map((workerId) => claimTurn(db, { tenantId, turnId, workerId, engineId: null, kind: 'worker' })),
      )
      const won = claims.flatMap((claim) => (claim.refused === undefined ? [claim.claimed.epoch] : []))
      expect(won).toEqual([round])
      const late = await appendEvents(db, {
        tenantId,
        sessionId,
        threadId,
        epoch: round - 1,
        events: [{ type: 'session.status', actor: 'platform', payload: { status: 'COMPLETED', stopReason: 'DONE', activity: null } }],
      })
      expect(late.refused).toBe('stale_epoch')
      expect(await releaseClaim(db, { tenantId, threadId, epoch: round, dueInMs: 0 })).toHaveLength(1)
    }
    const types = (await readSessionEvents(scene.test, sessionId)).map(({ type, payload }) => payload['status'] ?? type)
    expect(types).toEqual(['session.created', 'QUEUED', 'user.message', 'RUNNING'])
    await workers.start()
    await waitForStatus(scene.test, sessionId, ['IDLE'], 90_000)
    await scene.expectClean()
  }, 180_000)
})
