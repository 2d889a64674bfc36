// Faults of the database: killed under concurrent writers, restarted under load, and connections that break after a commit.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createSession } from '@longhaul/core/src/sessions/create-session.ts'
import { sendMessage } from '@longhaul/core/src/sessions/send-message.ts'
import { answerOnce } from '@longhaul/core/src/tenants/answer-once.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { startPostgres } from '@longhaul/core/testing/start-postgres.ts'
import { startTcpProxy, type TcpProxy } from '@longhaul/core/testing/tcp-proxy.ts'
import { startTemplateDatabase } from '@longhaul/core/testing/template-database.ts'
import { openDatabase } from '@longhaul/prisma/src/client.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFaultScene, type FaultScene } from '../testing/fault-scene.ts'
import { readSessionEvents, waitForStatus } from '../testing/read-session.ts'
import { startTestWorker } from '../testing/test-worker.ts'
import { createWorkerProcesses } from '../testing/worker-process.ts'

const cutOff = { text: 'Thinking. '.repeat(10), chunkDelayMs: 25, stopReason: 'max_tokens' }

describe('a server of its own', () => {
  let dataDir: string
  let server: Awaited<ReturnType<typeof startTemplateDatabase>>
  let scene: FaultScene

  beforeAll(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'longhaul-durable-'))
    await chmod(dataDir, 0o755) // the server runs as a user of its own where the tests run as root
    server = await startTemplateDatabase({ dataDir, durable: true })
    scene = await createFaultScene({ server: server.superuserUrl })
    scene.model.addScript('turns', [cutOff, cutOff, { text: 'Done.' }])
  }, 120_000)
  afterAll(async () => {
    await startPostgres({ dataDir }) // a test that broke off may have left it down
    await scene?.stop()
    await (await startPostgres({ dataDir })).stop()
    await rm(dataDir, { recursive: true, force: true })
  })

  it('killed with kill -9 under concurrent writers: everything that was acknowledged is there', async () => {
    const parts = silentParts(scene.test.db)
    const tenant = await seedTenant(scene.test.db)
    const sessionIds = await Promise.all(Array.from({ length: 12 }, () => seedSession(parts, tenant, { prompt: '[[script:turns]]' })))
    let acknowledged = 0
    let refused = 0
    let stopped = false
    const write = async (sessionId: string): Promise<void> => {
      while (!stopped) {
        try {
          const { seq } = await sendMessage(parts, tenant.caller, { sessionId, text: 'x'.repeat(200), mode: 'QUEUE' })
          scene.note({ kind: 'accepted', sessionId, seq })
          acknowledged++
        } catch {
          refused++ // unknown whether it was done; that it is whole or not there at all is the checker's to say
          await new Promise((resolve) => setTimeout(resolve, 25))
        }
      }
    }
    const until = async (fits: () => boolean): Promise<void> => {
      while (!fits()) await new Promise((resolve) => setTimeout(resolve, 10))
    }
    const writing = Promise.all(sessionIds.map(write))
    for (let kills = 1; kills <= 2; kills++) {
      const before = { acknowledged, refused }
      await until(() => acknowledged > before.acknowledged + 150)
      process.kill((await startPostgres({ dataDir })).pid, 'SIGKILL')
      await until(() => refused > before.refused)
      await startPostgres({ dataDir, durable: true })
    }
    const before = acknowledged
    await until(() => acknowledged > before + 50)
    stopped = true
    await writing
    const worker = await startTestWorker(scene)
    for (const sessionId of sessionIds) await worker.waitForStatus(sessionId, ['IDLE'], 60_000)
    await worker.stop()
    await scene.expectClean()
  }, 150_000)

  it('restarted every few seconds under load: nothing fails, and all that was accepted finishes', async () => {
    const workers = await createWorkerProcesses(scene)
    try {
      await workers.start()
      const parts = silentParts(scene.test.db)
      const tenant = await seedTenant(scene.test.db)
      const accepted: string[] = []
      let stopped = false
      const load = async (): Promise<void> => {
        while (!stopped) {
          try {
            const sessionId = await seedSession(parts, tenant, { prompt: '[[script:turns]]', budgetNanos: 1_000_000_000n })
            scene.note({ kind: 'accepted', sessionId, seq: 1 })
            accepted.push(sessionId)
          } catch {
            // down: the next one may be taken
          }
          await new Promise((resolve) => setTimeout(resolve, 150))
        }
      }
      const loading = load()
      for (let restarts = 1; restarts <= 5; restarts++) {
        const before = accepted.length
        while (accepted.length < before + 10) await new Promise((resolve) => setTimeout(resolve, 50))
        await (await startPostgres({ dataDir })).stop()
        await startPostgres({ dataDir, durable: true })
      }
      stopped = true
      await loading
      for (const sessionId of accepted) {
        const { stop_reason: stopReason } = await waitForStatus(scene.test, sessionId, ['IDLE', 'PAUSED'], 90_000)
        expect(stopReason).toBe('END_TURN')
      }
      await scene.expectClean()
    } finally {
      await workers.stop()
    }
  }, 180_000)
})

describe('a connection that breaks after the commit, before the answer', () => {
  let scene: FaultScene
  let proxy: TcpProxy

  beforeAll(async () => {
    scene = await createFaultScene()
    proxy = await startTcpProxy({ port: Number(new URL(scene.test.url).port) })
    scene.model.addScript('turns', [cutOff, cutOff, { text: 'Done.' }])
  })
  afterEach(() => proxy.cut())
  afterAll(async () => {
    await proxy?.stop()
    await scene?.stop()
  })

  it.each(['claim_turn', 'append_events', 'reserve_call', 'renew_lease', 'sweep_turns'])(
    'of %s: the session finishes, and nothing happened twice',
    async (statement) => {
      const worker = await startTestWorker({ ...scene, env: { DATABASE_URL: proxy.through(scene.test.url) } })
      try {
        const tenant = await seedTenant(scene.test.db)
        const parts = silentParts(scene.test.db)
        for (let times = 1; times <= 3; times++) {
          const lost = proxy.loseAnswer((sent) => sent.includes(statement))
          const sessionId = await seedSession(parts, tenant, { prompt: '[[script:turns]]', budgetNanos: 1_000_000_000n })
          await lost
          await worker.waitForStatus(sessionId, ['IDLE'], 40_000)
          const answers = (await readSessionEvents(scene.test, sessionId)).filter(({ type }) => type === 'agent.message')
          expect(answers).toHaveLength(3)
        }
        await scene.expectClean()
      } finally {
        await worker.stop()
      }
    },
    120_000,
  )

  it('of a mutation: repeated with its key, it is answered as it was done the first time', async () => {
    const db = openDatabase({ url: proxy.through(scene.test.url) })
    try {
      const tenant = await seedTenant(scene.test.db)
      const parts = silentParts(db)
      const create = () =>
        answerOnce<{ sessionId: string }>(db, { scope: tenant.tenantId, mutation: 'createSession', key: 'one', input: {} }, (keep) =>
          createSession(
            parts,
            tenant.caller,
            {
              agentId: tenant.agentId,
              environmentId: tenant.environmentId,
              title: null,
              prompt: 'Once.',
              conditions: [],
              budgetNanos: null,
              maxEvaluations: 1,
              resources: [],
              metadata: {},
            },
            (client, sessionId) => keep(client, { sessionId }),
          ),
        )
      const lost = proxy.loseAnswer((sent) => sent.includes('commit'))
      await expect(create()).rejects.toThrow()
      await lost
      const { answer, repeated } = await create()
      expect(repeated).toBe(true)
      const { rows } = await scene.test.superuser.query('select id from session where tenant_id = $1', [tenant.tenantId])
      expect(rows).toEqual([{ id: answer.sessionId }])
    } finally {
      await db.close()
    }
  })
})
