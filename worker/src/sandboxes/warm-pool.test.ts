import { randomUUID } from 'node:crypto'
import { archiveEnvironment } from '@longhaul/core/src/environments/archive-environment.ts'
import { createLogger } from '@longhaul/core/src/logger.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { type ScriptedModel, startScriptedModel } from '@longhaul/core/testing/scripted-model/scripted-model.ts'
import { seedSession, seedTenant } from '@longhaul/core/testing/seeds.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestWorker, type TestWorker } from '../../testing/test-worker.ts'
import { DockerProvider } from './docker/docker-provider.ts'
import { createDocker } from './docker/engine.ts'
import { reapWarm } from './reap-warm.ts'
import { WarmPool } from './warm-pool.ts'
import type { WarmKind } from './warm-sandboxes.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test?.close())

describe('sandboxes kept ready', () => {
  const docker = createDocker()
  const image = process.env['SANDBOX_IMAGE'] ?? ''
  const logger = createLogger({ name: 'test', level: 'silent' })
  const instance = `pool-${process.pid}`
  const git = { allowedPrivateHosts: [], caFile: null, image }
  const provider = new DockerProvider({ docker, git, instance })
  let busy = false
  const open: WarmPool[] = []

  afterEach(async () => {
    busy = false
    for (const pool of open.splice(0)) await pool.stop()
    expect(await provider.list()).toEqual([])
  })

  const start = ({ size = 1, max = 2, keepMs = 60_000, at = provider, workerId = 'wrk_a' } = {}): WarmPool => {
    const pool = new WarmPool({ db: test.db, provider: at, logger }, { size, max, keepMs })
    pool.start({ workerId: () => workerId, isBusy: () => busy, everyMs: 3_600_000 })
    open.push(pool)
    return pool
  }
  const kindOf = async (memoryMb: number): Promise<WarmKind> => {
    const { Id: imageId } = await docker.getImage(image).inspect()
    return { imageId, cpus: 1, memoryMb, diskMb: 512 }
  }
  const newVersion = async () => {
    const tenant = await seedTenant(test.db)
    const { rows } = await test.superuser.query('select id from environment_version where environment_id = $1', [tenant.environmentId])
    return { ...tenant, versionId: rows[0].id as string }
  }
  const sizes = (at = provider) => at.warm.waiting().map(({ kind }) => kind.memoryMb)

  it('are of the kinds last used, as many as there may be; where there is no room the ones longest unused go', async () => {
    const pool = start()
    const { versionId } = await newVersion()
    const others = [await newVersion(), await newVersion()]
    pool.note(versionId, await kindOf(128))
    pool.note(others[0]?.versionId ?? '', await kindOf(256))
    await pool.tend()
    expect(sizes().toSorted()).toEqual([128, 256])
    pool.note(versionId, await kindOf(128))
    pool.note(others[1]?.versionId ?? '', await kindOf(512))
    await pool.tend()
    expect(sizes().toSorted()).toEqual([128, 512])
    expect((await provider.list()).every(({ kind, paused }) => kind === 'warm' && paused)).toBe(true)
  }, 30_000)

  it('are none of an environment that is archived, has another version, or was long not used', async () => {
    const { versionId, tenantId, environmentId } = await newVersion()
    const pool = start()
    pool.note(versionId, await kindOf(128))
    await pool.tend()
    expect(sizes()).toEqual([128])
    await archiveEnvironment(test.db, tenantId, environmentId)
    await pool.tend()
    expect(sizes()).toEqual([])

    const updated = await newVersion()
    pool.note(updated.versionId, await kindOf(128))
    await pool.tend()
    expect(sizes()).toEqual([128])
    await test.superuser.query('update environment set latest_version = 2 where id = $1', [updated.environmentId])
    await pool.tend()
    expect(sizes()).toEqual([])

    const brief = start({ keepMs: 1 })
    brief.note((await newVersion()).versionId, await kindOf(128))
    await new Promise((done) => setTimeout(done, 5))
    await brief.tend()
    expect(sizes()).toEqual([])
  }, 30_000)

  it('are made only while no session waits for its own', async () => {
    busy = true
    const pool = start()
    pool.note((await newVersion()).versionId, await kindOf(128))
    const tending = pool.tend()
    await new Promise((done) => setTimeout(done, 300))
    expect(await provider.list()).toEqual([])
    busy = false
    await tending
    expect(sizes()).toEqual([128])
  }, 30_000)

  it('are no more than the engine may have, however many workers it has', async () => {
    const beside = new DockerProvider({ docker, git, instance })
    const pools = [start({ max: 1 }), start({ max: 1, at: beside, workerId: 'wrk_b' })]
    const kind = await kindOf(128)
    for (const pool of pools) pool.note((await newVersion()).versionId, kind)
    await Promise.all(pools.map((pool) => pool.tend()))
    expect(await provider.list()).toHaveLength(1)
    expect(sizes().length + sizes(beside).length).toBe(1)
  }, 30_000)

  it('go with the worker that made them, and with nobody else', async () => {
    const kind = await kindOf(128)
    await test.superuser.query(
      "insert into lease (worker_id, engine_id, kind, host, pid, started_at, expires_at) values ('wrk_lives', 'e', 'worker', 'h', 1, now(), now() + interval '1 hour'), ('wrk_dead', 'e', 'worker', 'h', 1, now(), now() - interval '1 second')",
    )
    const beside = new DockerProvider({ docker, git, instance })
    await beside.warm.make(kind, 'wrk_lives')
    const [lives] = beside.warm.waiting()
    await beside.warm.make(kind, 'wrk_dead')
    await beside.warm.make(kind, 'wrk_unknown')
    const reap = async (workerId: string) => reapWarm({ db: test.db, provider, logger, workerId }, await provider.list())
    await reap('wrk_other')
    expect((await provider.list()).map(({ id }) => id)).toEqual([lives?.id])
    // Its own, and not known to it: young it may be on its way, later it is lost.
    await reap('wrk_lives')
    expect(await provider.list()).toHaveLength(1)
    const old = (await provider.list()).map((one) => ({ ...one, createdAt: new Date(0) }))
    await reapWarm({ db: test.db, provider, logger, workerId: 'wrk_lives' }, old)
    expect(await provider.list()).toEqual([])
    await test.superuser.query("delete from lease where engine_id = 'e'")
  }, 30_000)
})

describe('a session that begins while one is ready', () => {
  let model: ScriptedModel
  let worker: TestWorker
  beforeAll(async () => {
    model = await startScriptedModel()
    worker = await startTestWorker({ test, model, env: { SANDBOX_WARM: '1' } })
  })
  afterAll(async () => {
    await worker?.stop()
    await model?.stop()
  })

  it('works in it, and another is made ready; a worker that stops leaves none', async () => {
    model.addScript('look', [{ toolCalls: [{ name: 'bash', input: { command: 'ls; echo mine >mine' } }] }, { text: 'Done.' }])
    const tenants = [await seedTenant(test.db), await seedTenant(test.db)]
    const { provider } = worker.parts.sandboxes
    const ready = async (not: string | null): Promise<string> => {
      for (;;) {
        const [found] = (await provider.list()).filter(({ kind, paused, id }) => kind === 'warm' && paused && id !== not)
        if (found !== undefined) return found.id
        await new Promise((done) => setTimeout(done, 50))
      }
    }
    const begin = async (tenant: (typeof tenants)[number] | undefined) => {
      if (tenant === undefined) throw new Error('no tenant')
      const sessionId = await seedSession(worker.parts, tenant, { prompt: `[[script:look]] ${randomUUID()}` })
      return { sessionId, row: await worker.waitForStatus(sessionId, ['IDLE']) }
    }
    await begin(tenants[0])
    const first = await ready(null)
    // Another tenant's, of the same image and size: it has been nobody's.
    const { sessionId, row } = await begin(tenants[1])
    expect(row['sandbox_id']).toBe(first)
    const results = (await worker.events(sessionId)).filter(({ type }) => type === 'agent.tool_result')
    expect(results.map(({ payload }) => payload['output'])).toEqual([''])
    await ready(first)
    await worker.worker.stop()
    expect((await provider.list()).filter(({ kind }) => kind === 'warm')).toEqual([])
  }, 40_000)
})
