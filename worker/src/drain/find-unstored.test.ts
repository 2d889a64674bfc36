import { rewindSession } from '@longhaul/core/src/checkpoints/rewind-session.ts'
import { startLease } from '@longhaul/core/src/turns/leases.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { playSession } from '@longhaul/core/testing/play-session.ts'
import { silentParts } from '@longhaul/core/testing/seeds.ts'
import { takeCheckpoint } from '@longhaul/core/testing/take-checkpoint.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findUnstored } from './find-unstored.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test?.close())

const playOnEngine = async () => {
  const session = await playSession(test.db)
  await test.superuser.query("update session set engine_id = 'eng_1' where id = $1", [session.sessionId])
  return session
}
const keepImage = async (session: { tenantId: string; sessionId: string }): Promise<string> => {
  const { id } = await takeCheckpoint(test.db, session)
  await test.superuser.query("update checkpoint set image_id = 'sha256:' || id, engine_id = 'eng_1' where id = $1", [id])
  return id
}
const store = (id: string) =>
  test.superuser.query(
    `with saved as (insert into snapshot (id, tenant_id, session_id, kind, digest, content_hash, size_bytes)
       select 'snp_' || id, tenant_id, session_id, 'checkpoint', 'd', id, 1 from checkpoint where id = $1 returning id)
     update checkpoint set snapshot_id = saved.id from saved where checkpoint.id = $1`,
    [id],
  )

it('a session whose files are in an image alone is not stored, also where a checkpoint without files came after it', async () => {
  const session = await playOnEngine()
  const image = await keepImage(session)
  expect(await findUnstored(test.db, 'eng_1')).toEqual([session.sessionId])
  await takeCheckpoint(test.db, session)
  expect(await findUnstored(test.db, 'eng_1')).toEqual([session.sessionId])
  await store(image)
  expect(await findUnstored(test.db, 'eng_1')).toEqual([])
})

it('what counts is where it goes on from: of one that was taken back not its newest checkpoint, but that one', async () => {
  await startLease(test.db, { workerId: 'wrk_1', engineId: 'eng_1', kind: 'worker', host: 'here', pid: 1, leaseMs: 60_000 })
  const session = await playOnEngine()
  const first = await keepImage(session)
  await store(await keepImage(session))
  expect(await findUnstored(test.db, 'eng_1')).toEqual([])
  const caller = { tenantId: session.tenantId, keyId: 'key_x' }
  await rewindSession(silentParts(test.db), caller, { checkpointId: first, sessionId: null, axis: 'FILES' })
  expect(await findUnstored(test.db, 'eng_1')).toEqual([session.sessionId])
})
