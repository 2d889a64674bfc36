import { forkSession } from '@longhaul/core/src/forks/fork-session.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { deleteSession } from '@longhaul/core/src/sessions/delete-session.ts'
import { startLease } from '@longhaul/core/src/turns/leases.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { playSession } from '@longhaul/core/testing/play-session.ts'
import { silentParts } from '@longhaul/core/testing/seeds.ts'
import { takeCheckpoint } from '@longhaul/core/testing/take-checkpoint.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { FoundImage, SandboxImages } from '../sandboxes/sandbox-images.ts'
import { reapImages } from './reap-images.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test?.close())

/** An engine with nothing but images, made so long ago. */
const createImages = (ids: readonly string[], ageMs = 600_000, sessionId = 's'): SandboxImages & { ids: Set<string> } => {
  const kept = new Set(ids)
  const toFound = (checkpointId: string): FoundImage => ({
    checkpointId,
    imageId: `sha256:${checkpointId}`,
    tenantId: 't',
    sessionId,
    createdAt: new Date(Date.now() - ageMs),
  })
  return {
    ids: kept,
    save: async () => null,
    has: async () => false,
    read: async () => null,
    list: async () => [...kept].map(toFound),
    remove: async (id) => void kept.delete(id),
    removeUnnamed: async () => {},
  }
}
const reap = async (images: ReturnType<typeof createImages>): Promise<string[]> => {
  await reapImages({ db: test.db, images, logger: createLogger({ name: 'test', level: 'silent' }) })
  return [...images.ids]
}
const AS_PARENT = { title: null, prompt: null, agentId: null, budgetNanos: null }

it('an image that nobody can go back to is let go of: unknown, failed, or of a session that is gone and was never forked there', async () => {
  const parts = silentParts(test.db)
  const [living, gone, forked] = [await playSession(test.db), await playSession(test.db), await playSession(test.db)]
  const points = await Promise.all([living, gone, forked, living].map((session) => takeCheckpoint(test.db, session)))
  const [kept, , ofForked, failed] = points.map(({ id }) => id)
  const before = (await takeCheckpoint(test.db, forked)).id
  const forker = { tenantId: forked.tenantId, keyId: 'key_x' }
  await forkSession(parts, forker, { checkpointId: ofForked ?? '', forks: [AS_PARENT] })
  await test.superuser.query("update checkpoint set state = 'failed' where id = $1", [failed])
  await deleteSession(parts, { tenantId: gone.tenantId, keyId: 'key_x' }, { sessionId: gone.sessionId })
  await deleteSession(parts, forker, { sessionId: forked.sessionId })
  const all = [...points.map(({ id }) => id), before, 'ckp_unknown']
  expect(await reap(createImages(all))).toEqual([kept, ofForked])
  expect(await reap(createImages(all, 1_000))).toEqual(all)
})

it('one of a deleted session goes however young it is, but not where a fork may go back to it', async () => {
  const session = await playSession(test.db)
  const forker = { tenantId: session.tenantId, keyId: 'key_x' }
  const [forked, other] = [(await takeCheckpoint(test.db, session)).id, (await takeCheckpoint(test.db, session)).id]
  await forkSession(silentParts(test.db), forker, { checkpointId: forked, forks: [AS_PARENT] })
  const images = createImages([forked, other, 'ckp_asked_for_again'], 1_000, session.sessionId)
  expect(await reap(images)).toEqual([forked, other, 'ckp_asked_for_again'])
  await deleteSession(silentParts(test.db), forker, session)
  expect(await reap(images)).toEqual([forked])
})

it('one of a checkpoint that is asked for again stays: what its next taker keeps bears the same name', async () => {
  const { id } = await takeCheckpoint(test.db, await playSession(test.db))
  await test.superuser.query("update checkpoint set state = 'asked', trigger = 'MANUAL' where id = $1", [id])
  expect(await reap(createImages([id]))).toEqual([id])
})

it('of those that the platform took by itself the three newest stay, and every one that somebody asked for', async () => {
  const session = await playSession(test.db)
  const ids: string[] = []
  for (let count = 0; count < 6; count++) ids.push((await takeCheckpoint(test.db, session)).id)
  const asked = ids[1] ?? ''
  await test.superuser.query(
    "update checkpoint set image_id = 'sha256:' || id, engine_id = 'e', trigger = case when id = $2 then 'MANUAL' else 'CADENCE' end where session_id = $1",
    [session.sessionId, asked],
  )
  expect(await reap(createImages(ids))).toEqual([asked, ...ids.slice(3)])
})

it('one that a fork begins from at this moment stays; where it went first, the fork is told that its files are gone', async () => {
  const session = await playSession(test.db)
  const ids: string[] = []
  for (let count = 0; count < 5; count++) ids.push((await takeCheckpoint(test.db, session)).id)
  await test.superuser.query(
    "update checkpoint set image_id = 'sha256:' || id, engine_id = 'e', trigger = 'CADENCE' where session_id = $1",
    [session.sessionId],
  )
  const [forked = '', thinned = ''] = ids
  await startLease(test.db, { workerId: 'wrk_e', engineId: 'e', kind: 'worker', host: 'here', pid: 1, leaseMs: 600_000 })
  const forker = { tenantId: session.tenantId, keyId: 'key_x' }
  const fork = (checkpointId: string) => forkSession(silentParts(test.db), forker, { checkpointId, forks: [AS_PARENT] })
  const images = createImages(ids)
  const hold = await test.db.app.connect()
  await hold.query('begin')
  await hold.query("select set_config('longhaul.tenant', $1, true)", [session.tenantId])
  await hold.query('select read_fork_source($1, $2)', [session.tenantId, forked])
  expect(await reap(images)).toEqual([forked, ...ids.slice(2)])
  await hold.query('rollback')
  hold.release()
  await fork(forked)
  expect(await reap(images)).toEqual([forked, ...ids.slice(2)])
  await expect(fork(thinned)).rejects.toMatchObject({ code: 'CONFLICT' })
})
