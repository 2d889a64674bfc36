import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { createId } from '../ids.ts'
import { appendEvents } from '../log/append-events.ts'
import { claimTurn } from '../turns/claim-turn.ts'
import { endLease, startLease } from '../turns/leases.ts'
import { askBuild } from './ask-build.ts'
import { finishBuild, noteBuild } from './finish-build.ts'
import { findAskedBuilds, takeBuild } from './take-build.ts'
import { sweepBuilds, wakeForBuild } from './wake-for-build.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test?.close())

let engines = 0
/** A tenant whose environment has a set-up, and a worker of an engine of its own. */
const seed = async () => {
  const tenant = await seedTenant(test.db, { setupScript: 'make ready' })
  const { rows } = await test.superuser.query('select id from environment_version where environment_id = $1', [tenant.environmentId])
  const engineId = `engine-${++engines}`
  return { ...tenant, environmentVersionId: rows[0].id as string, engineId, workerId: await startWorker(engineId), not: null }
}
type Seed = Awaited<ReturnType<typeof seed>>

const startWorker = async (engineId: string): Promise<string> => {
  const workerId = createId('wrk')
  await startLease(test.db, { workerId, engineId, kind: 'worker', host: 'here', pid: 1, leaseMs: 600_000 })
  return workerId
}
const ask = (of: Seed, not: string | null = null) => askBuild(test.db, { ...of, not })
const take = async (of: Seed, id: string, workerId = of.workerId) => takeBuild(test.db, { tenantId: of.tenantId, id, workerId })
const failed = { state: 'failed', problem: 'line 3', exitCode: 1, failedLine: 3 } as const

/** A session of the tenant whose turn waits for the build. */
const waitingTurn = async (of: Seed, buildId: string): Promise<string> => {
  const sessionId = await seedSession(silentParts(test.db), of)
  const { rows } = await test.superuser.query('select id from turn where session_id = $1', [sessionId])
  const turnId = rows[0].id as string
  const claim = await claimTurn(test.db, { ...of, turnId, kind: 'worker' })
  if (claim.refused !== undefined) throw new Error(claim.refused)
  const { session, thread, epoch } = claim.claimed
  const turn = { op: 'wait', turnId, reason: 'environment', scope: buildId } as const
  await appendEvents(test.db, { ...of, sessionId: session.id, threadId: thread.id, epoch, events: [], turn })
  return turnId
}
const stateOf = async (turnId: string) => (await test.superuser.query('select state from turn where id = $1', [turnId])).rows[0].state

it('whoever asks while a build is open waits for that one; one worker takes it, and each engine has its own', async () => {
  const of = await seed()
  const builds = await Promise.all(Array.from({ length: 10 }, () => ask(of)))
  expect(new Set(builds.map(({ id }) => id)).size).toBe(1)
  const [{ id } = { id: '' }] = builds
  expect(await findAskedBuilds(test.db, { engineId: of.engineId, limit: 5 })).toEqual([{ id, tenantId: of.tenantId }])
  const others = await Promise.all(Array.from({ length: 5 }, async () => take(of, id, await startWorker(of.engineId))))
  expect(others.filter((one) => one !== null)).toEqual([
    expect.objectContaining({ id, script: 'make ready', image: 'default', attempts: 1 }),
  ])
  expect(await ask(of)).toMatchObject({ id, state: 'building' })
  expect((await ask({ ...of, engineId: 'another' })).id).not.toBe(id)
})

it('what is built is used until somebody has no use for it; a failure stands, until somebody who was told of it comes again', async () => {
  const of = await seed()
  const { id } = await ask(of)
  await take(of, id)
  expect(await noteBuild(test.db, { ...of, id }, { key: 'k', baseImageId: 'b', log: 'so far' })).toBe(true)
  expect(await finishBuild(test.db, { ...of, id }, { state: 'built', imageId: 'i' })).toEqual({ state: 'built', wakes: [] })
  expect(await ask(of)).toMatchObject({ id, state: 'built', imageId: 'i', baseImageId: 'b', log: 'so far' })
  expect(await noteBuild(test.db, { ...of, id }, { log: 'late' })).toBe(false)

  const again = await ask(of, id)
  expect(again).toMatchObject({ state: 'asked' })
  await take(of, again.id)
  await finishBuild(test.db, { ...of, id: again.id }, failed)
  expect(await ask(of)).toMatchObject({ id: again.id, ...failed })
  expect(await ask(of, id)).toMatchObject({ id: again.id, state: 'failed' })
  expect(await ask(of, again.id)).toMatchObject({ state: 'asked' })
})

it('turns that wait are woken once by whoever ends it, or by themselves where it had ended, and no other tenant’s', async () => {
  const [of, other] = [await seed(), await seed()]
  const { id } = await ask(of)
  const foreign = await waitingTurn(other, id)
  const turns = [await waitingTurn(of, id), await waitingTurn(of, id)]
  expect(await wakeForBuild(test.db, { ...of, id })).toEqual([])
  await take(of, id)
  const { wakes } = await finishBuild(test.db, { ...of, id }, { state: 'built', imageId: 'i' })
  expect(wakes.map(({ turnId }) => turnId).sort()).toEqual(turns.toSorted())
  expect(await finishBuild(test.db, { ...of, id }, failed)).toEqual({ state: null, wakes: [] })
  const late = await waitingTurn(of, id)
  expect(await wakeForBuild(test.db, { ...of, id })).toMatchObject([{ turnId: late }])
  expect(await stateOf(foreign)).toBe('waiting')
})

it('what a dead worker was building is asked for again, and has failed after three that died', async () => {
  const of = await seed()
  const { id } = await ask(of)
  const turnId = await waitingTurn(of, id)
  for (let deaths = 1; deaths <= 3; deaths++) {
    const doomed = await startWorker(of.engineId)
    expect(await take(of, id, doomed)).toMatchObject({ attempts: deaths })
    await endLease(test.db, doomed)
    expect(await stateOf(turnId)).toBe('waiting')
    await sweepBuilds(test.db)
    // He was only slow: what he has to say is of no interest any more.
    expect(await finishBuild(test.db, { ...of, id, workerId: doomed }, { state: 'built', imageId: 'i' })).toEqual({
      state: null,
      wakes: [],
    })
  }
  expect(await ask(of)).toMatchObject({ id, state: 'failed', problem: 'the worker that built it died' })
  expect(await stateOf(turnId)).toBe('due')
})

it('one that nobody is to blame for is tried again later, three times; a worker that had to go counts for nothing', async () => {
  const of = await seed()
  const { id } = await ask(of)
  const back = { state: 'asked', problem: 'no engine', retryInMs: 0, counts: true } as const
  await take(of, id)
  expect((await finishBuild(test.db, { ...of, id }, { ...back, counts: false })).state).toBe('asked')
  for (const state of ['asked', 'asked', 'failed']) {
    await take(of, id)
    expect((await finishBuild(test.db, { ...of, id }, back)).state).toBe(state)
  }
  const next = await ask(of, id)
  await take(of, next.id)
  await finishBuild(test.db, { ...of, id: next.id }, { ...back, retryInMs: 60_000 })
  expect(await findAskedBuilds(test.db, { engineId: of.engineId, limit: 5 })).toEqual([])
  expect(await take(of, next.id)).toBeNull()
})

it('what was asked of an engine that has no worker any more is forgotten, and its turns go on', async () => {
  const of = await seed()
  const { id } = await ask(of)
  const turnId = await waitingTurn(of, id)
  await sweepBuilds(test.db)
  expect(await stateOf(turnId)).toBe('waiting')
  await endLease(test.db, of.workerId)
  await sweepBuilds(test.db)
  expect(await stateOf(turnId)).toBe('due')
  expect((await ask(of)).id).not.toBe(id)
})

it('a version without a script has nothing to build, and another tenant’s is not there', async () => {
  const [of, other] = [await seed(), await seed()]
  await expect(ask({ ...of, tenantId: other.tenantId })).rejects.toThrow(/no set-up/)
  const plain = await seedTenant(test.db)
  const { rows } = await test.superuser.query('select id from environment_version where environment_id = $1', [plain.environmentId])
  await expect(ask({ ...of, ...plain, environmentVersionId: rows[0].id })).rejects.toThrow(/no set-up/)
})
