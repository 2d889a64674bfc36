import { createLogger } from '@longhaul/core/src/logger.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { playSession } from '@longhaul/core/testing/play-session.ts'
import { silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { beginTaking, type TakingParts } from './take-checkpoint.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test?.close())

it('an image of one that was refused is removed before anybody can take it again: his would bear the same name', async () => {
  const { tenantId, sessionId, threadId } = await playSession(test.db)
  await test.superuser.query("update session set sandbox_id = 'box', engine_id = 'eng' where id = $1", [sessionId])
  await test.superuser.query(
    "insert into checkpoint (id, tenant_id, session_id, thread_id, state, trigger, actor) values ('ckp_1', $1, $2, $3, 'asked', 'MANUAL', 'key_x')",
    [tenantId, sessionId, threadId],
  )
  const stateOf = async () => (await test.superuser.query("select state from checkpoint where id = 'ckp_1'")).rows[0]?.['state']
  const atRemoval: string[] = []
  const images = { save: async () => ({ imageId: 'sha256:1' }), remove: async () => void atRemoval.push(await stateOf()) }
  const parts = {
    ...silentParts(test.db),
    logger: createLogger({ name: 'test', level: 'silent' }),
    sandboxes: { provider: { images, engineId: async () => 'eng' } },
    // Somebody claims the thread while the files are kept.
    atPoint: async (point: string) => {
      if (point === 'checkpoint_saved') await test.superuser.query('update claim set epoch = epoch + 1 where session_id = $1', [sessionId])
    },
  } as unknown as TakingParts
  const taking = await beginTaking(parts, { tenantId, sessionId, epoch: null, workerId: 'wrk_1', checkpoint: { id: 'ckp_1' } })
  expect(await taking?.finish()).toBe(false)
  expect([atRemoval, await stateOf()]).toEqual([['taking'], 'asked'])
})
