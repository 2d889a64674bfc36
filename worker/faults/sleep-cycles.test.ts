// What a session that sleeps a hundred times must not lose: each time its whole file system becomes an image, its container goes, and
// another is made of it. Full width, beyond the hundred layers at which the chain is flattened:
// `SLEEP_CYCLES=110 npm test -- worker/faults/sleep-cycles.test.ts`.
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { readSessionEvents, waitForSession, waitForStatus } from '../testing/read-session.ts'
import { createWorkerProcesses, type WorkerProcesses } from '../testing/worker-process.ts'

const CYCLES = Number(process.env['SLEEP_CYCLES'] ?? 2)
/** They sleep and wake side by side. */
const SESSIONS = 2
/** One sleep and its waking, beside the others'. */
const CYCLE_MS = 30_000

let scene: FaultScene
let workers: WorkerProcesses
beforeEach(async () => {
  scene = await createFaultScene()
  workers = await createWorkerProcesses({
    ...scene,
    env: { SANDBOX_IDLE_MS: '1000', SANDBOX_SUSPEND_MS: '100', CHECKPOINT_EVERY_CALLS: '0' },
  })
})
afterEach(async () => {
  await workers?.stop()
  await scene?.stop()
})

/** A line a waking, in the workspace and in the home; answers with how many there are. */
const NOTE = 'for diary in diary ~/diary; do echo awake >>$diary; wc -l <$diary; done'

it(
  'a session has all it ever wrote however often it slept, and nothing of it was called lost',
  async () => {
    const { model, test } = scene
    model.addScript('note', [{ toolCalls: [{ name: 'bash', input: { command: NOTE } }] }, { text: 'Good night.' }])
    const parts = silentParts(test.db)
    const tenant = await seedTenant(test.db)
    await workers.start()
    const sleepAndWake = async (): Promise<string> => {
      const sessionId = await seedSession(parts, tenant, { prompt: '[[script:note]]' })
      let { head } = await waitForStatus(test, sessionId, ['IDLE'], CYCLE_MS)
      for (let cycle = 1; cycle <= CYCLES; cycle++) {
        await waitForSession(
          test,
          sessionId,
          ({ sandbox_id, sandbox_state }) => sandbox_state === 'SUSPENDED' && sandbox_id === null,
          CYCLE_MS,
        )
        const woken = head
        await sendMessage(parts, tenant.caller, { sessionId, text: '[[script:note]]', mode: 'QUEUE' })
        ;({ head } = await waitForSession(
          test,
          sessionId,
          (row) => row.status === 'IDLE' && row.tool_calls === cycle + 1 && row.head > woken,
          CYCLE_MS,
        ))
      }
      return sessionId
    }
    const sessionIds = await Promise.all(Array.from({ length: SESSIONS }, sleepAndWake))

    for (const sessionId of sessionIds) {
      const events = await readSessionEvents(test, sessionId)
      const counted = events.filter(({ type }) => type === 'agent.tool_result').map(({ payload }) => payload['output'])
      expect(counted).toEqual(Array.from({ length: CYCLES + 1 }, (_, at) => `${at + 1}\n${at + 1}\n`))
      expect(events.filter(({ type, payload }) => type === 'sandbox.state' && payload['state'] === 'LOST')).toEqual([])
    }
    await scene.expectClean()
  },
  2 * CYCLE_MS + CYCLES * CYCLE_MS,
)
