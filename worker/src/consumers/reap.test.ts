import { createLogger } from '@longhaul/core/src/logger.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { playSession } from '@longhaul/core/testing/play-session.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SandboxProvider } from '../sandboxes/sandbox.ts'
import { startReaping } from './reap.ts'

type Container = Awaited<ReturnType<SandboxProvider['list']>>[number]

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test?.close())

type Running = { [sessionId: string]: boolean }

/** Which of these running sandboxes are stopped, whose workers are gone. `busy`: what hasProcesses says. */
const reapRunning = async (busy: Running): Promise<string[]> => {
  const stopped: string[] = []
  const createdAt = new Date(Date.now() - 3_600_000)
  const list = Object.keys(busy).map((sessionId) => ({
    id: sessionId,
    sessionId,
    tenantId: 't',
    kind: 'sandbox',
    running: true,
    createdAt,
  }))
  const provider = {
    images: null,
    warm: null,
    engineId: async () => 'here',
    list: async () => list,
    hasProcesses: async (sessionId: string) => busy[sessionId],
    stop: async (sessionId: string) => void stopped.push(sessionId),
  } as unknown as SandboxProvider
  const reaper = startReaping(
    {
      db: test.db,
      workerId: () => 'wrk_none',
      provider,
      logger: createLogger({ name: 'test', level: 'silent' }),
      idleMs: 60_000,
      isAttached: () => false,
      onSuspended: async () => {},
      suspendIdle: async () => {},
      stopPaused: async () => {},
    },
    3_600_000,
  )
  await reaper.reapNow()
  await reaper.stop()
  return stopped
}

/** What is left of these, on an engine named `here` that holds nothing else. */
const reap = async (
  containers: Pick<Container, 'id' | 'sessionId' | 'kind'>[],
  ageMs: number,
  attached: string[] = [],
): Promise<string[]> => {
  const left = new Map(containers.map((container) => [container.id, container]))
  const createdAt = new Date(Date.now() - ageMs)
  const provider = {
    images: null,
    warm: null,
    engineId: async () => 'here',
    list: async () =>
      [...left.values()].map((container) => ({ ...container, tenantId: 't', running: false, paused: false, workerId: null, createdAt })),
    removeById: async (id: string) => void left.delete(id),
  } as unknown as SandboxProvider
  const reaper = startReaping(
    {
      db: test.db,
      workerId: () => 'wrk_none',
      provider,
      logger: createLogger({ name: 'test', level: 'silent' }),
      idleMs: 60_000,
      isAttached: (sessionId) => attached.includes(sessionId),
      onSuspended: async () => {},
      suspendIdle: async () => {},
      stopPaused: async () => {},
    },
    3_600_000,
  )
  await reaper.reapNow()
  await reaper.stop()
  return [...left.keys()]
}

it('what a session has left behind when it moved goes within a minute, and what it has here stays', async () => {
  const [moved, here] = [await playSession(test.db), await playSession(test.db)]
  await test.superuser.query(
    "update session set engine_id = case when id = $1 then 'there' else 'here' end, sandbox_id = 'box', sandbox_state = 'RUNNING'",
    [moved.sessionId],
  )
  const sandbox = (id: string, { sessionId }: { sessionId: string }) => ({ id, sessionId, kind: 'sandbox' as const })
  const all = [sandbox('moved', moved), sandbox('here', here), sandbox('unknown', { sessionId: 'ses_unknown' })]
  expect(await reap(all, 30_000)).toEqual(['here'])
  expect(await reap(all, 6_000)).toEqual(['moved', 'here'])
  expect(await reap(all, 30_000, [moved.sessionId])).toEqual(['moved', 'here'])
})

it('an image is read for as long as a large workspace takes, with no turn that runs', async () => {
  const { sessionId } = await playSession(test.db)
  const both = [
    { id: 'copy', sessionId, kind: 'copy' as const },
    { id: 'check', sessionId, kind: 'check' as const },
  ]
  expect(await reap(both, 300_000)).toEqual(['copy'])
  expect(await reap(both, 1_000_000)).toEqual([])
})

it('a sandbox that a dead worker left running is stopped when its environment says, or once nothing keeps it awake any more', async () => {
  const rest = async (
    idleMinutes: number,
    { idleSeconds = null, keepAwakeSeconds = 0 }: { idleSeconds?: number | null; keepAwakeSeconds?: number },
  ) => {
    const { sessionId } = await playSession(test.db)
    await test.superuser.query(
      "update session set engine_id = 'here', sandbox_id = 'box', sandbox_state = 'RUNNING', updated_at = now() - $2 * interval '1 minute' where id = $1",
      [sessionId, idleMinutes],
    )
    await test.superuser.query(
      'update environment_version set idle_seconds = $2, keep_awake_seconds = $3 where id = (select environment_version_id from session where id = $1)',
      [sessionId, idleSeconds, keepAwakeSeconds],
    )
    return sessionId
  }
  const [plain, warm, awake, ended, over] = [
    await rest(3, {}),
    await rest(3, { idleSeconds: 600 }),
    await rest(9, { keepAwakeSeconds: 600 }),
    await rest(9, { keepAwakeSeconds: 600 }),
    await rest(11, { keepAwakeSeconds: 600 }),
  ] as [string, string, string, string, string]
  expect(await reapRunning({ [plain]: true, [warm]: true, [awake]: true, [ended]: false, [over]: true })).toEqual([plain, ended, over])
})
