import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { playSession } from '../../testing/play-session.ts'
import { takeCheckpoint } from '../../testing/take-checkpoint.ts'
import { readRestorePoints } from './restore-points.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test?.close())

it('however many came after it that only one engine has, the newest one that is stored is among them: another engine has nothing else', async () => {
  const session = await playSession(test.db)
  const take = async () => (await takeCheckpoint(test.db, session)).id
  const [older, stored] = [await take(), await take()]
  for (let count = 0; count < 22; count++) await take()
  await test.superuser.query("update checkpoint set image_id = 'sha256:' || id, engine_id = 'eng_gone' where session_id = $1", [
    session.sessionId,
  ])
  await test.superuser.query(
    `with saved as (insert into snapshot (id, tenant_id, session_id, kind, digest, content_hash, size_bytes)
       select 'snp_' || id, tenant_id, session_id, 'checkpoint', 'd', id, 1 from checkpoint where id = any($1) returning id)
     update checkpoint set snapshot_id = saved.id from saved where saved.id = 'snp_' || checkpoint.id`,
    [[older, stored]],
  )
  const points = await readRestorePoints(test.db, session)
  expect(points.filter(({ snapshotId }) => snapshotId !== null).map(({ id }) => id)).toEqual([stored])
  expect(points.map(({ seq }) => seq)).toEqual(points.map(({ seq }) => seq).toSorted((a, b) => b - a))
})
