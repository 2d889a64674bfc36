import { createId } from '@longhaul/core/src/ids.ts'
import { endLease, startLease } from '@longhaul/core/src/turns/leases.ts'
import { createTestDatabase } from '@longhaul/core/testing/database.ts'
import fc from 'fast-check'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { pickFirst, startWatchingPeers } from './peers.ts'

const workers = fc.uniqueArray(fc.record({ workerId: fc.string({ minLength: 1 }), engineId: fc.constantFrom('here', 'there') }), {
  selector: ({ workerId }) => workerId,
  maxLength: 8,
})

test('of those that may run a turn all pick the same one, and of none nobody', () => {
  fc.assert(
    fc.property(workers, fc.constantFrom('here', 'there', null), fc.string(), (peers, engineId, turnId) => {
      const first = pickFirst(peers, { turnId, engineId })
      const able = peers.filter((peer) => engineId === null || peer.engineId === engineId)
      if (able.length === 0) expect(first).toBeNull()
      else expect(able).toContain(first)
    }),
  )
})

test('many turns are spread over all', () => {
  const peers = ['a', 'b', 'c'].map((workerId) => ({ workerId, engineId: 'here' }))
  const shares = Map.groupBy(
    Array.from({ length: 600 }, () => createId('trn')),
    (turnId) => pickFirst(peers, { turnId, engineId: null })?.workerId,
  )
  for (const { workerId } of peers) expect(shares.get(workerId)?.length).toBeGreaterThan(100)
})

test('exactly one of the living goes first, and the dead and those that only run suspects never do', async () => {
  const database = await createTestDatabase()
  const lease = { engineId: 'here', host: 'test', pid: 1, leaseMs: 60_000 }
  const ids = ['wrk_a', 'wrk_b', 'wrk_dead', 'wrk_suspect']
  for (const workerId of ids) await startLease(database.db, { ...lease, workerId, kind: workerId === 'wrk_suspect' ? 'suspect' : 'worker' })
  await endLease(database.db, 'wrk_dead')
  const parts = { db: database.db, logger: pino({ level: 'silent' }) }
  const all = await Promise.all(ids.map((id) => startWatchingPeers(parts, { workerId: () => id, everyMs: 60_000 })))
  for (let turn = 0; turn < 50; turn++) {
    const hint = { tenantId: 'tnt_1', turnId: createId('trn'), engineId: turn % 2 === 0 ? 'here' : null }
    const first = ids.filter((_, at) => all[at]?.isFirst(hint))
    expect(first).toHaveLength(1)
    expect(['wrk_a', 'wrk_b']).toContain(first[0])
    expect(all.some((peers) => peers.isFirst({ ...hint, engineId: 'elsewhere' }))).toBe(false)
  }
  await Promise.all(all.map((peers) => peers.stop()))
  await database.close()
})
