// The database's disk is full (14): nothing more is taken, what there is can be read, and all goes on once there is room.
import { execFile } from 'node:child_process'
import { chown, mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { isDatabaseUnreachable } from '@longhaul/core/src/errors.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { TEST_POSTGRES } from '@longhaul/core/testing/database.ts'
import { ensurePostgresUser } from '@longhaul/core/testing/postgres-binaries.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { readSessionEvents, waitForStatus } from '../testing/read-session.ts'
import { createWorkerProcesses, type WorkerProcesses } from '../testing/worker-process.ts'

const run = promisify(execFile)
const DISK = '96m'
const TABLESPACE = `small_${process.pid}`

let disk: string
let scene: FaultScene
let workers: WorkerProcesses
const onServer = async (...statements: string[]): Promise<void> => {
  const client = new pg.Client({ connectionString: process.env[TEST_POSTGRES] })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

beforeEach(async () => {
  disk = await mkdtemp(path.join(tmpdir(), 'longhaul-disk-'))
  await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK},mode=0755`, 'tmpfs', disk])
  await mkdir(path.join(disk, 'tables'))
  const user = await ensurePostgresUser(() => {})
  if (user !== undefined) await chown(path.join(disk, 'tables'), user.uid, user.gid)
  scene = await createFaultScene()
  const name = pg.escapeIdentifier(new URL(scene.test.url).pathname.slice(1))
  await onServer(
    `create tablespace ${TABLESPACE} location '${path.join(disk, 'tables')}'`,
    `alter database ${name} set tablespace ${TABLESPACE}`,
  )
  workers = await createWorkerProcesses(scene)
}, 60_000)
afterEach(async () => {
  await rm(path.join(disk, 'filler'), { force: true })
  await workers?.stop()
  await scene?.stop()
  await onServer(`drop tablespace ${TABLESPACE}`)
  await run('umount', [disk])
  await rm(disk, { recursive: true, force: true })
})

it('what people write is refused as for a database that is away, what there is can be read, and all finishes once there is room', async () => {
  const { test, model } = scene
  model.addScript('speaks', [{ text: 'A long answer. '.repeat(30), chunkDelayMs: 60, stopReason: 'max_tokens' }, { text: 'Done.' }])
  await workers.start()
  const tenant = await seedTenant(test.db)
  const parts = silentParts(test.db)
  const start = () => seedSession(parts, tenant, { prompt: '[[script:speaks]]', budgetNanos: 1_000_000_000n })
  const sessionIds = await Promise.all([start(), start(), start()])
  await Promise.all(sessionIds.map((sessionId) => model.waitForRequest(({ session }) => session === sessionId)))

  const { bavail, bsize } = await statfs(disk)
  // The last page of each table may have room left: what is taken until it has none is accepted, and must be there.
  await writeFile(path.join(disk, 'filler'), Buffer.alloc(bavail * bsize)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOSPC') throw error // the database took some of it meanwhile: full it is either way
  })
  const [first = ''] = sessionIds
  let refusal: unknown = null
  while (refusal === null) {
    await sendMessage(parts, tenant.caller, { sessionId: first, text: 'x'.repeat(4_000), mode: 'QUEUE' }).then(
      ({ seq }) => scene.note({ kind: 'accepted', sessionId: first, seq }),
      (error: unknown) => {
        refusal = error
      },
    )
  }
  expect(refusal).toMatchObject({ code: '53100' })
  expect(isDatabaseUnreachable(refusal)).toBe(true)
  for (const sessionId of sessionIds) expect((await readSessionEvents(test, sessionId)).length).toBeGreaterThan(3)
  await new Promise((resolve) => setTimeout(resolve, 6_000)) // two leases: the workers want to write all this time

  await rm(path.join(disk, 'filler'))
  for (const sessionId of sessionIds) {
    const { stop_reason: reason } = await waitForStatus(test, sessionId, ['IDLE', 'PAUSED'], 120_000)
    expect(reason).toBe('END_TURN')
  }
  await scene.expectClean()
}, 240_000)
