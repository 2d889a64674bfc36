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
    engineId: async () => 'here',
    list: async () => [...left.values()].map((container) => ({ ...container, tenantId: 't', running: false, createdAt })),
    removeById: async (id: string) => void left.delete(id),
  } as unknown as SandboxProvider
  const reaper = startReaping(
    {
      db: test.db,
      provider,
      logger: createLogger({ name: 'test', level: 'silent' }),
      isAttached: (sessionId) => attached.includes(sessionId),
      onSuspended: async () => {},
      suspendIdle: async () => {},
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
