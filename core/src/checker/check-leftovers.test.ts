import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { takeCheckpoint } from '../../testing/take-checkpoint.ts'
import { forkSession } from '../forks/fork-session.ts'
import { instanceOf } from '../instance-of.ts'
import { deleteSession } from '../sessions/delete-session.ts'
import { checkDatabase } from './check-database.ts'
import { isEngineReachable, listContainers } from './list-containers.ts'

const run = promisify(execFile)
const engine = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock'
const image = 'longhaul-checker-empty'
const made: string[] = []
const images: string[] = []

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
  await run('sh', ['-c', `tar -c -T /dev/null | docker import - ${image}`])
})
afterAll(async () => {
  await test.close()
  if (made.length > 0) await run('docker', ['rm', '-f', ...made])
  await run('docker', ['rmi', image, ...images])
})

/** An empty image of a checkpoint, as a worker labels it. */
const makeImage = async (labels: { tenant: string; checkpoint: string }): Promise<string> => {
  const name = `longhaul-checker-image:${labels.checkpoint.toLowerCase()}`
  const changes = Object.entries({ kind: 'checkpoint', ...labels }).flatMap(([label, value]) => ['-c', `LABEL longhaul.${label}=${value}`])
  const { stdout } = await run('sh', ['-c', `tar -c -T /dev/null | docker import "$@" - ${name}`, 'import', ...changes])
  images.push(name)
  return stdout.trim().slice('sha256:'.length, 'sha256:'.length + 12)
}

/** Never started: an engine lists it all the same. */
const makeContainer = async (
  labels: { kind: string; tenant: string; session: string; worker?: string; instance?: string },
  name: string | null = null,
): Promise<string> => {
  const flags = Object.entries(labels).flatMap(([label, value]) => ['--label', `longhaul.${label}=${value}`])
  if (name !== null) flags.push('--name', name)
  const { stdout } = await run('docker', ['create', '--network', 'none', ...flags, image, 'nothing'])
  made.push(stdout.trim())
  return stdout.trim().slice(0, 12)
}

describe('what nobody owns any more', () => {
  it('is found by its label, while the sandbox of a session that lives is left in peace', async () => {
    const parts = silentParts(test.db)
    const tenant = await seedTenant(test.db)
    const living = await seedSession(parts, tenant)
    const deleted = await seedSession(parts, tenant)
    await deleteSession(parts, tenant.caller, { sessionId: deleted })
    const label = { tenant: tenant.tenantId }
    await makeContainer({ ...label, kind: 'sandbox', session: living })
    await makeContainer({ kind: 'sandbox', tenant: 'tnt_of_another_installation', session: 'ses_elsewhere' })
    const orphans = [
      await makeContainer({ ...label, kind: 'sandbox', session: deleted }),
      await makeContainer({ ...label, kind: 'sandbox', session: 'ses_never_recorded' }),
      await makeContainer({ ...label, kind: 'check', session: living }),
    ]
    const found = async (graceMs: number) =>
      (await checkDatabase({ databaseUrl: test.url, dockerHost: engine, graceMs })).violations
        .filter(({ rule }) => rule === 'R10')
        .map(({ at }) => at)
    expect((await found(-2_000)).toSorted()).toEqual(orphans.toSorted())
    expect(await found(3_600_000)).toEqual([])
  })

  it('is a sandbox made ahead whose worker is gone; its name says what it is, and which session it has become', async () => {
    const parts = silentParts(test.db)
    const tenant = await seedTenant(test.db)
    const living = await seedSession(parts, tenant)
    const deleted = await seedSession(parts, tenant)
    await deleteSession(parts, tenant.caller, { sessionId: deleted })
    await test.superuser.query(
      "insert into lease (worker_id, engine_id, kind, host, pid, started_at, expires_at) values ('wrk_lives', 'e', 'worker', 'h', 1, now(), now() + interval '1 hour')",
    )
    const warm = { kind: 'warm', tenant: '', session: '', instance: instanceOf(test.url) }
    await makeContainer({ ...warm, worker: 'wrk_lives' }, `longhaul-warm-${process.pid}-a`)
    await makeContainer({ ...warm, worker: 'wrk_gone' }, `longhaul-${living}`)
    await makeContainer({ ...warm, worker: 'wrk_gone', instance: 'elsewhere' }, `longhaul-warm-${process.pid}-b`)
    const orphans = [
      await makeContainer({ ...warm, worker: 'wrk_gone' }, `longhaul-warm-${process.pid}-c`),
      await makeContainer({ ...warm, worker: 'wrk_lives' }, `longhaul-${deleted}`),
    ]
    const { violations } = await checkDatabase({ databaseUrl: test.url, dockerHost: engine, graceMs: -2_000 })
    const ofWarm = violations.filter(({ what }) => what.includes('warm container') || what.includes(deleted))
    expect(ofWarm.map(({ at }) => at).toSorted()).toEqual(orphans.toSorted())
  })

  it('is an image too: of a checkpoint that never became whole, or whose session is gone and was never forked', async () => {
    const parts = silentParts(test.db)
    const tenant = await seedTenant(test.db)
    const label = { tenant: tenant.tenantId }
    const make = async (fork: boolean, gone: boolean) => {
      const sessionId = await seedSession(parts, tenant)
      const { id } = await takeCheckpoint(test.db, { tenantId: tenant.tenantId, sessionId })
      const forks = [{ title: null, prompt: null, agentId: null, budgetNanos: null }]
      if (fork) await forkSession(parts, tenant.caller, { checkpointId: id, forks })
      if (gone) await deleteSession(parts, tenant.caller, { sessionId })
      return makeImage({ ...label, checkpoint: id })
    }
    await make(false, false)
    await make(true, true)
    await makeImage({ tenant: 'tnt_of_another_installation', checkpoint: 'ckp_elsewhere' })
    const orphans = [await make(false, true), await makeImage({ ...label, checkpoint: 'ckp_never_recorded' })]
    const { violations } = await checkDatabase({ databaseUrl: test.url, dockerHost: engine, graceMs: -2_000 })
    expect(
      violations
        .filter(({ what }) => /an image of checkpoint/.test(what))
        .map(({ at }) => at)
        .toSorted(),
    ).toEqual(orphans.toSorted())
  })

  it('is looked for only where an engine answers', async () => {
    expect(await isEngineReachable(engine)).toBe(true)
    expect(await isEngineReachable('unix:///nowhere/docker.sock')).toBe(false)
    await expect(listContainers('tcp://127.0.0.1:1')).rejects.toThrow('ECONNREFUSED')
  })
})
