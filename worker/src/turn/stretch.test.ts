import { createId } from '@longhaul/core/src/ids.ts'
import { claimTurn } from '@longhaul/core/src/turns/claim-turn.ts'
import { startLease } from '@longhaul/core/src/turns/leases.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSandbox } from './open-sandbox.ts'
import { statusEvent } from './settle-turn.ts'
import { openStretch, type TurnParts } from './stretch.ts'
import { createWishes } from './wishes.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test('what a turn held is in the log once where the answer to its commit was lost while a sandbox was opened', async () => {
  const parts = silentParts(database.db)
  const tenant = await seedTenant(database.db)
  const sessionId = await seedSession(parts, tenant)
  const workerId = createId('wrk')
  await startLease(database.db, { workerId, engineId: null, kind: 'worker', host: 'here', pid: 1, leaseMs: 600_000 })
  const { rows } = await database.superuser.query<{ id: string }>('select id from turn where session_id = $1', [sessionId])
  const turnId = rows[0]?.id ?? ''
  const result = await claimTurn(database.db, { tenantId: tenant.tenantId, turnId, workerId, engineId: null, kind: 'worker' })
  if (result.refused !== undefined) throw new Error(result.refused)
  let lost = false
  const app = {
    query: async (query: { name?: string }) => {
      const answer = await database.db.app.query(query as never)
      if (query.name !== 'append_events' || lost) return answer
      lost = true
      throw new Error('Connection terminated unexpectedly')
    },
  }
  const limits = { maxRetries: 3, retryBaseMs: 1, retryMaxMs: 1 }
  const logger = { warn: () => {} }
  // As the pool does for a sandbox that is new: the log says so.
  const sandboxes = { acquire: () => stretch.append([statusEvent('RUNNING', null, 'sandbox')]) }
  const db = { ...database.db, app } as unknown as TurnParts['db']
  const turnParts = { ...parts, db, limits, logger, sandboxes, atPoint: () => {} } as unknown as TurnParts
  const stretch = openStretch(turnParts, result.claimed, createWishes(null))
  stretch.hold([{ type: 'user.message_read', actor: 'platform', payload: { turnId, seqs: result.claimed.unread.map(({ seq }) => seq) } }])
  await expect(openSandbox(stretch)).rejects.toThrow('Connection terminated unexpectedly')
  const { rows: read } = await database.superuser.query("select seq from event where session_id = $1 and type = 'user.message_read'", [
    sessionId,
  ])
  expect(read).toHaveLength(1)
})
