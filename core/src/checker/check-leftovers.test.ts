import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { deleteSession } from '../sessions/delete-session.ts'
import { checkDatabase } from './check-database.ts'
import { isEngineReachable, listContainers } from './list-containers.ts'

const run = promisify(execFile)
const engine = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock'
const image = 'longhaul-checker-empty'
const made: string[] = []

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
  await run('sh', ['-c', `tar -c -T /dev/null | docker import - ${image}`])
})
afterAll(async () => {
  await test.close()
  if (made.length > 0) await run('docker', ['rm', '-f', ...made])
  await run('docker', ['rmi', image])
})

/** Never started: an engine lists it all the same. */
const makeContainer = async (labels: { kind: string; tenant: string; session: string }): Promise<string> => {
  const flags = Object.entries(labels).flatMap(([name, value]) => ['--label', `longhaul.${name}=${value}`])
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

  it('is looked for only where an engine answers', async () => {
    expect(await isEngineReachable(engine)).toBe(true)
    expect(await isEngineReachable('unix:///nowhere/docker.sock')).toBe(false)
    await expect(listContainers('tcp://127.0.0.1:1')).rejects.toThrow('ECONNREFUSED')
  })
})
