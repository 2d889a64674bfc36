import { archiveEnvironment } from '@longhaul/core/src/environments/archive-environment.ts'
import { updateEnvironment } from '@longhaul/core/src/environments/update-environment.ts'
import { cancelSession } from '@longhaul/core/src/sessions/cancel-session.ts'
import { pauseSession } from '@longhaul/core/src/sessions/pause-session.ts'
import { resumeSession } from '@longhaul/core/src/sessions/resume-session.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestWorker, type TestWorker } from '../../testing/test-worker.ts'

let test: TestDatabase
let model: ScriptedModel
let longhaul: TestWorker

beforeAll(async () => {
  ;[test, model] = await Promise.all([createTestDatabase(), startScriptedModel()])
  model.addScript('use', [{ toolCalls: [{ name: 'bash', input: { command: 'cat /opt/made; id -u' } }] }, { text: 'Used.' }])
  longhaul = await startTestWorker({ test, model, env: { SETUP_TIMEOUT_MS: '20000', SANDBOX_IDLE_MS: '500' } })
}, 60_000)
afterAll(async () => {
  await longhaul?.stop()
  await model?.stop()
  await test?.close()
})

const setUps = () => {
  const { setUps: found } = longhaul.parts.sandboxes.provider
  if (found === null) throw new Error('no set-ups here')
  return found
}
const imagesOf = async (tenantId: string) => (await setUps().list()).filter((image) => image.tenantId === tenantId)
const buildsOf = async (tenantId: string) =>
  (
    await test.superuser.query('select id, state, image_id, problem from environment_build where tenant_id = $1 order by created_at', [
      tenantId,
    ])
  ).rows
const outputsOf = async (sessionId: string) =>
  (await longhaul.events(sessionId)).filter(({ type }) => type === 'agent.tool_result').map(({ payload }) => payload['output'])
/** A script that has an effect of its own, whoever else has built the like before. */
const writes = (word: string, before = '') => `${before}echo ${word} >/opt/made`
const play = async (tenant: Awaited<ReturnType<typeof seedTenant>>) => {
  const sessionId = await seedSession(longhaul.parts, tenant, { prompt: '[[script:use]]' })
  await longhaul.waitForStatus(sessionId, ['IDLE'])
  return sessionId
}

it('two tenants with the same script share nothing: each has its own build and its own image', { timeout: 60_000 }, async () => {
  const tenants = await Promise.all([0, 1].map(() => seedTenant(test.db, { setupScript: writes('same') })))
  const [one, other] = await Promise.all(tenants.map(play))
  expect([await outputsOf(one ?? ''), await outputsOf(other ?? '')]).toEqual([['same\n10001\n'], ['same\n10001\n']])
  const images = await Promise.all(tenants.map(({ tenantId }) => imagesOf(tenantId)))
  expect(images.map(({ length }) => length)).toEqual([1, 1])
  expect(images[0]?.[0]?.imageId).not.toBe(images[1]?.[0]?.imageId)
  // Nor can the other name it: not by what it is called, not by what it is.
  for (const image of [`longhaul-setup:${images[0]?.[0]?.key}`, images[0]?.[0]?.imageId.replace('sha256:', '') ?? '']) {
    const thief = await seedTenant(test.db, { image, setupScript: writes('mine') })
    const sessionId = await seedSession(longhaul.parts, thief, { prompt: '[[script:use]]' })
    await longhaul.waitForStatus(sessionId, ['PAUSED'])
    expect(await buildsOf(thief.tenantId)).toMatchObject([
      { state: 'failed', problem: expect.stringMatching(/is not one that an environment can name/) },
    ])
  }
})

it('an image that was removed behind our back is built again, for whoever needs it next', { timeout: 60_000 }, async () => {
  const tenant = await seedTenant(test.db, { setupScript: writes('again') })
  const first = await play(tenant)
  await longhaul.parts.sandboxes.remove(first)
  const [image] = await imagesOf(tenant.tenantId)
  await setUps().remove(image?.key ?? '')
  expect(await imagesOf(tenant.tenantId)).toEqual([])
  expect(await outputsOf(await play(tenant))).toEqual(['again\n10001\n'])
  expect((await buildsOf(tenant.tenantId)).map(({ state }) => state)).toEqual(['built', 'built'])
})

it('a new version never touches a session that goes on with an older one, whose image goes with it', { timeout: 60_000 }, async () => {
  const tenant = await seedTenant(test.db, { setupScript: writes('older') })
  const sessionId = await play(tenant)
  const [older] = await imagesOf(tenant.tenantId)
  await updateEnvironment(test.db, tenant.tenantId, { id: tenant.environmentId, expectedVersion: 1, setupScript: writes('newer') })
  expect(await outputsOf(await play(tenant))).toEqual(['newer\n10001\n'])
  // Its sandbox is lost, and is made again from what it was made from.
  await longhaul.parts.sandboxes.remove(sessionId)
  await sendMessage(longhaul.parts, tenant.caller, { sessionId, text: '[[script:use]]', mode: 'QUEUE' })
  await expect.poll(() => outputsOf(sessionId), { timeout: 20_000 }).toEqual(['older\n10001\n', 'older\n10001\n'])
  expect((await buildsOf(tenant.tenantId)).map(({ state }) => state)).toEqual(['built', 'built'])

  const { caller } = tenant
  await longhaul.waitForStatus(sessionId, ['IDLE'])
  await cancelSession(longhaul.parts, caller, { sessionId, reason: null })
  const keys = async () => (await imagesOf(tenant.tenantId)).map(({ key }) => key)
  await expect.poll(keys, { timeout: 15_000 }).not.toContain(older?.key)
  expect(await keys()).toHaveLength(1)
  await archiveEnvironment(test.db, tenant.tenantId, tenant.environmentId)
  // The other session is there, and may go on.
  expect(await keys()).toHaveLength(1)
})

it('a session that waits for its environment can be paused, resumed and canceled, and costs no place meanwhile', {
  timeout: 60_000,
}, async () => {
  const tenant = await seedTenant(test.db, { setupScript: writes('slow', 'sleep 3; '), maxConcurrentSessions: 1 })
  const waits = (sessionId: string) => longhaul.waitFor(sessionId, (row) => row.activity === 'environment: building')
  const paused = await seedSession(longhaul.parts, tenant, { prompt: '[[script:use]]' })
  await waits(paused)
  const canceled = await seedSession(longhaul.parts, tenant, { prompt: '[[script:use]]' })
  await waits(canceled)
  await pauseSession(longhaul.parts, tenant.caller, { sessionId: paused })
  await cancelSession(longhaul.parts, tenant.caller, { sessionId: canceled, reason: null })
  await longhaul.waitForStatus(paused, ['PAUSED'])
  await resumeSession(longhaul.parts, tenant.caller, { sessionId: paused })
  await longhaul.waitForStatus(paused, ['IDLE'])
  expect(await outputsOf(paused)).toEqual(['slow\n10001\n'])
  expect(await longhaul.waitForStatus(canceled, ['CANCELED'])).toMatchObject({ tool_calls: 0 })
  expect(await buildsOf(tenant.tenantId)).toHaveLength(1)
})

it('where sandboxes are plain processes a set-up is refused with the reason, before it has cost a call', { timeout: 60_000 }, async () => {
  const own = await createTestDatabase()
  const worker = await startTestWorker({ test: own, model, env: { SANDBOX: 'process' } })
  try {
    const tenant = await seedTenant(own.db, { setupScript: writes('never') })
    const calls = model.requests.length
    const sessionId = await seedSession(worker.parts, tenant, { prompt: '[[script:use]]' })
    expect(await worker.waitForStatus(sessionId, ['PAUSED'])).toMatchObject({ stop_reason: 'RESOURCES_FAILED' })
    const told = (await worker.events(sessionId)).find(({ type }) => type === 'harness.error')
    expect(told?.payload['message']).toMatch(/setupScript.*SANDBOX=process/)
    expect(model.requests.length).toBe(calls)
  } finally {
    await worker.stop()
    await own.close()
  }
})

it('a worker that stops puts its build back, and another finishes it', { timeout: 60_000 }, async () => {
  const own = await createTestDatabase()
  const first = await startTestWorker({ test: own, model, env: { DRAIN_MS: '100' } })
  const tenant = await seedTenant(own.db, { setupScript: writes('late', 'echo begun; sleep 3; ') })
  const sessionId = await seedSession(first.parts, tenant, { prompt: '[[script:use]]' })
  const buildOf = async () => (await own.superuser.query('select state, attempts, log from environment_build')).rows[0]
  await expect.poll(buildOf, { timeout: 15_000 }).toMatchObject({ state: 'building', log: 'begun\n' })
  await first.stop()
  expect(await buildOf()).toMatchObject({ state: 'asked', attempts: 0 })
  const second = await startTestWorker({ test: own, model })
  try {
    expect(await second.parts.sandboxes.provider.list()).toEqual([])
    await second.waitForStatus(sessionId, ['IDLE'])
    expect(await buildOf()).toMatchObject({ state: 'built', attempts: 1 })
  } finally {
    await second.stop()
    await own.close()
  }
})
