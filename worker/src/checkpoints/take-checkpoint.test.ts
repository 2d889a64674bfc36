import { createLogger } from '@longhaul/core/src/logger.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type LostAnswer, loseAnswer } from '@longhaul/core/testing/lose-answer.ts'
import { playSession } from '@longhaul/core/testing/play-session.ts'
import { silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { beginTaking, type TakingParts } from './take-checkpoint.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test?.close())

/** A wish of a session whose sandbox an engine keeps; what the row said when the image was removed. */
const wish = async ({ lost, atPoint = async () => {} }: { lost?: LostAnswer; atPoint?: (point: string) => Promise<void> } = {}) => {
  const { tenantId, sessionId, threadId } = await playSession(test.db)
  const id = `ckp_of_${sessionId}`
  await test.superuser.query("update session set sandbox_id = 'box', engine_id = 'eng' where id = $1", [sessionId])
  await test.superuser.query(
    "insert into checkpoint (id, tenant_id, session_id, thread_id, state, trigger, actor) values ($1, $2, $3, $4, 'asked', 'MANUAL', 'key_x')",
    [id, tenantId, sessionId, threadId],
  )
  const stateOf = async () => (await test.superuser.query('select state from checkpoint where id = $1', [id])).rows[0]?.['state']
  const atRemoval: string[] = []
  const images = {
    save: async () => ({ imageId: 'sha256:1' }),
    remove: async () => void atRemoval.push(await stateOf()),
    read: async () => null,
  }
  const parts = {
    ...silentParts(test.db),
    db: lost === undefined ? test.db : loseAnswer(test.db, lost),
    logger: createLogger({ name: 'test', level: 'silent' }),
    sandboxes: { provider: { images, engineId: async () => 'eng' } },
    atPoint,
  } as unknown as TakingParts
  const begin = () => beginTaking(parts, { tenantId, sessionId, epoch: null, workerId: 'wrk_1', checkpoint: { id } })
  return { sessionId, begin, stateOf, atRemoval }
}

it('an image of one that was refused is removed before anybody can take it again: his would bear the same name', async () => {
  // Somebody claims the thread while the files are kept.
  const claim = async (point: string) => {
    if (point === 'checkpoint_saved') await test.superuser.query('update claim set epoch = epoch + 1 where session_id = $1', [sessionId])
  }
  const { sessionId, begin, stateOf, atRemoval } = await wish({ atPoint: claim })
  expect(await (await begin())?.finish()).toBe(false)
  expect([atRemoval, await stateOf()]).toEqual([['taking'], 'asked'])
})

it('one that is whole keeps its image, also where who took it never heard that it is', async () => {
  const { begin, stateOf, atRemoval } = await wish({ lost: { of: 'record_checkpoint', committed: true } })
  expect(await (await begin())?.finish()).toBe(true)
  expect([atRemoval, await stateOf()]).toEqual([[], 'whole'])
})

it('one that is not is given up, and its image removed after that, also where that must be said twice', async () => {
  const { begin, stateOf, atRemoval } = await wish({ lost: { of: 'record_checkpoint', committed: false, alsoOf: 'fail_checkpoint' } })
  expect(await (await begin())?.finish()).toBe(false)
  expect([atRemoval, await stateOf()]).toEqual([['failed'], 'failed'])
})

it('a wish whose taker never heard that he has it is asked for again', async () => {
  const { begin, stateOf } = await wish({ lost: { of: 'begin_checkpoint', committed: true } })
  await expect(begin()).rejects.toThrow('terminated')
  expect(await stateOf()).toBe('asked')
})
