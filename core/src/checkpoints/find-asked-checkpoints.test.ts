import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { playSession } from '../../testing/play-session.ts'
import { takeCheckpoint } from '../../testing/take-checkpoint.ts'
import { findAskedCheckpoints, findUnarchived } from './find-asked-checkpoints.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

it('those that could not be stored keep nobody from those that come after them', async () => {
  const session = await playSession(test.db)
  const ids: string[] = []
  for (let count = 0; count < 12; count++) ids.push((await takeCheckpoint(test.db, session)).id)
  await test.superuser.query("update checkpoint set image_id = 'sha256:' || id, engine_id = 'eng_1' where session_id = $1", [
    session.sessionId,
  ])
  const find = async (tried: string[]) =>
    (await findUnarchived(test.db, { engineId: 'eng_1', olderThanMs: 0, except: tried })).map(({ id }) => id)
  expect(await find([])).toEqual(ids.slice(0, 10))
  expect(await find(ids.slice(0, 10))).toEqual(ids.slice(10))
  expect(await find(ids)).toEqual([])
})

it('what a dead worker was taking is free again, and one that somebody has locked keeps nobody from the others', async () => {
  const session = await playSession(test.db)
  const [busy, free] = [(await takeCheckpoint(test.db, session)).id, (await takeCheckpoint(test.db, session)).id]
  await test.superuser.query("update checkpoint set state = 'taking', taken_by = 'wrk_dead' where id = any($1)", [[busy, free]])
  const holder = await test.superuser.connect()
  await holder.query('begin')
  await holder.query('select from checkpoint where id = $1 for update', [busy])
  await findAskedCheckpoints(test.db, 'eng_1')
  const stateOf = async (id: string) => (await test.superuser.query('select state from checkpoint where id = $1', [id])).rows[0]?.['state']
  expect([await stateOf(busy), await stateOf(free)]).toEqual(['taking', 'failed'])
  await holder.query('commit')
  holder.release()
  await findAskedCheckpoints(test.db, 'eng_1')
  expect(await stateOf(busy)).toBe('failed')
})
