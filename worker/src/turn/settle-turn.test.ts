import { addCondition } from '@longhaul/core/src/conditions/add-condition.ts'
import { waiveCondition } from '@longhaul/core/src/conditions/waive-condition.ts'
import { createId } from '@longhaul/core/src/ids.ts'
import { claimTurn } from '@longhaul/core/src/turns/claim-turn.ts'
import { startLease } from '@longhaul/core/src/turns/leases.ts'
import { createTestDatabase, type TestDatabase } from '@longhaul/core/testing/database.ts'
import { seedSession, seedTenant, silentParts } from '@longhaul/core/testing/seeds.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { settleTurn } from './settle-turn.ts'
import { openStretch, type TurnParts } from './stretch.ts'
import { createWishes } from './wishes.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

test('a condition that is added while the last turn settles keeps the session from completing', async () => {
  const parts = silentParts(database.db)
  const tenant = await seedTenant(database.db)
  const condition = (name: string) => ({ name, kind: 'COMMAND' as const, spec: { run: 'true' } })
  const sessionId = await seedSession(parts, tenant)
  const { conditionId } = await addCondition(parts, tenant.caller, { sessionId, condition: condition('first') })
  await waiveCondition(parts, tenant.caller, { sessionId, conditionId, reason: 'none' })

  const workerId = createId('wrk')
  await startLease(database.db, { workerId, engineId: null, kind: 'worker', host: 'here', pid: 1, leaseMs: 600_000 })
  const { rows } = await database.superuser.query<{ id: string }>('select id from turn where session_id = $1', [sessionId])
  const turnId = rows[0]?.id ?? ''
  const result = await claimTurn(database.db, { tenantId: tenant.tenantId, turnId, workerId, engineId: null, kind: 'worker' })
  if (result.refused !== undefined) throw new Error(result.refused)
  const app = {
    query: async (query: { name?: string }) => {
      const answer = await database.db.app.query(query as never)
      if (query.name === 'read_conditions') await addCondition(parts, tenant.caller, { sessionId, condition: condition('second') })
      return answer
    },
  }
  const db = { ...database.db, app } as unknown as TurnParts['db']
  const stretch = openStretch({ ...parts, db, atPoint: () => {} } as unknown as TurnParts, result.claimed, createWishes(null))
  const seqs = result.claimed.unread.map(({ seq }) => seq)
  await stretch.append([{ type: 'user.message_read', actor: 'platform', payload: { turnId, seqs } }])
  await settleTurn(stretch, 'ended')

  const { rows: after } = await database.superuser.query(
    "select s.status, t.kind, t.state from session s left join turn t on t.session_id = s.id and t.state <> 'settled' where s.id = $1",
    [sessionId],
  )
  expect(after).toEqual([{ status: 'RUNNING', kind: 'work', state: 'due' }])
})
