import { randomBytes } from 'node:crypto'
import type { Database } from '@longhaul/prisma/src/client.ts'
import { hashSetup } from '../src/environments/environment-definition.ts'
import { createId } from '../src/ids.ts'
import type { Announcer } from '../src/log/announcer.ts'
import type { WakeQueue } from '../src/queue/wake-queue.ts'
import type { Caller, CoreParts } from '../src/sessions/change-session.ts'
import { type CreateSession, createSession } from '../src/sessions/create-session.ts'

/** Announces to nobody and wakes nobody: for tests of what is committed. */
export const silentParts = (db: Database): CoreParts & { wakes: unknown[] } => {
  const wakes: unknown[] = []
  const announcer = {
    announceHead() {},
    announceControl() {},
    announceDelta() {},
    announceWatched() {},
    announceFileLook() {},
    listen: async () => {},
    flush: async () => {},
    close: async () => {},
  } satisfies Announcer
  const queue = {
    send: (sent: readonly unknown[]) => void wakes.push(...sent),
    flush: async () => {},
    consume: async () => ({ stop: async () => {} }),
    close: async () => {},
  } satisfies WakeQueue
  return { db, announcer, queue, wakes }
}

/** A tenant with an agent and an environment, straight into the tables. */
export const seedTenant = async (
  db: Database,
  options: {
    model?: string
    judgeModel?: string
    maxConcurrentSessions?: number
    image?: string
    setupScript?: string
    idleSeconds?: number
    keepAwakeSeconds?: number
    tools?: { name: string; permission: string }[]
    system?: string
  } = {},
): Promise<{ caller: Caller; tenantId: string; agentId: string; environmentId: string }> => {
  const tenantId = createId('tnt')
  const agentId = createId('agt')
  const environmentId = createId('env')
  const { image = 'default', setupScript = null } = options
  const client = await db.app.connect()
  try {
    await client.query('begin')
    await client.query("select set_config('longhaul.tenant', $1, true)", [tenantId])
    await client.query('insert into tenant (id, slug, name, max_concurrent_sessions) values ($1, $2, $3, $4)', [
      tenantId,
      `t${randomBytes(5).toString('hex')}`,
      'Test',
      options.maxConcurrentSessions ?? 100,
    ])
    await client.query('insert into agent (id, tenant_id, name) values ($1, $2, $3)', [agentId, tenantId, 'Tester'])
    await client.query(
      'insert into agent_version (id, tenant_id, agent_id, version, model, judge_model, system, tools) values ($1, $2, $3, 1, $4, $5, $6, $7)',
      [
        createId('agv'),
        tenantId,
        agentId,
        options.model ?? 'claude-sonnet-5-5',
        options.judgeModel ?? null,
        options.system ?? null,
        JSON.stringify(options.tools ?? []),
      ],
    )
    await client.query('insert into environment (id, tenant_id, name) values ($1, $2, $3)', [environmentId, tenantId, 'Test'])
    await client.query(
      'insert into environment_version (id, tenant_id, environment_id, version, image, setup_script, setup_hash, idle_seconds, keep_awake_seconds) values ($1, $2, $3, 1, $4, $5, $6, $7, $8)',
      [
        createId('evv'),
        tenantId,
        environmentId,
        image,
        setupScript,
        hashSetup({ image, network: 'NONE', setupScript }),
        options.idleSeconds ?? null,
        options.keepAwakeSeconds ?? 0,
      ],
    )
    await client.query('commit')
  } finally {
    client.release()
  }
  return { caller: { tenantId, keyId: createId('key') }, tenantId, agentId, environmentId }
}

export const seedSession = async (
  parts: CoreParts,
  seed: { caller: Caller; agentId: string; environmentId: string },
  more: Partial<CreateSession> = {},
): Promise<string> => {
  const { sessionId } = await createSession(parts, seed.caller, {
    agentId: seed.agentId,
    environmentId: seed.environmentId,
    title: null,
    prompt: 'Do the work.',
    conditions: [],
    budgetNanos: null,
    maxEvaluations: 10,
    resources: [],
    metadata: {},
    ...more,
  })
  return sessionId
}
