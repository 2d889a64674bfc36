import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import { createSweepScene, type SweepScene } from '../../testing/sweep-scene.ts'
import { createId } from '../ids.ts'
import { appendEvents } from '../log/append-events.ts'
import { findDueTurns } from './find-due-turns.ts'
import { sweepTurns } from './sweep-turns.ts'

let scene: SweepScene
let test: SweepScene['test']
let seed: SweepScene['seed']
let claim: SweepScene['claim']
let mustClaim: SweepScene['mustClaim']
let turnOf: SweepScene['turnOf']
beforeAll(async () => {
  scene = await createSweepScene()
  ;({ test, seed, claim, mustClaim, turnOf } = scene)
})
afterAll(() => scene?.test.close())
beforeEach(() => scene.clear())

describe("a tenant's slots", () => {
  it('are never more than it may run at once, whoever gives them out, and none stays empty while a turn waits', async () => {
    const tenant = await seedTenant(test.db, { maxConcurrentSessions: 3 })
    const parts = silentParts(test.db)
    const sessions = await Promise.all(Array.from({ length: 15 }, () => seedSession(parts, tenant)))
    const busy = async () =>
      Number(
        (
          await test.superuser.query(
            "select count(*) from turn where tenant_id = $1 and woken_at is not null and state in ('due', 'running')",
            [tenant.tenantId],
          )
        ).rows[0].count,
      )
    expect([parts.wakes.length, await busy()]).toEqual([3, 3])
    const seen: number[] = []
    // Each settles and hands its slot on, all at once, with sweeps in between.
    const finish = async (sessionId: string): Promise<void> => {
      for (;;) {
        const claimed = await claim({ tenantId: tenant.tenantId, sessionId })
        seen.push(await busy())
        if ('refused' in claimed) {
          await sweepTurns(test.db)
          continue
        }
        await appendEvents(test.db, {
          tenantId: tenant.tenantId,
          sessionId,
          threadId: claimed.thread.id,
          epoch: claimed.epoch,
          events: [],
          turn: { op: 'settle', turnId: claimed.turn.id, outcome: 'ended', next: null },
        })
        return
      }
    }
    await Promise.all(sessions.map(finish))
    expect(Math.max(...seen)).toBeLessThanOrEqual(3)
    expect(await busy()).toBe(0)
  })

  it('go to the oldest turns first, and each wake says how many of the tenant stand before it', async () => {
    const tenant = await seedTenant(test.db, { maxConcurrentSessions: 2 })
    const parts = silentParts(test.db)
    const sessions: string[] = []
    for (let index = 0; index < 4; index++) sessions.push(await seedSession(parts, tenant))
    expect(parts.wakes).toMatchObject([{ rank: 1 }, { rank: 2 }])
    const claimed = await mustClaim({ tenantId: tenant.tenantId, sessionId: sessions[1]! })
    const settled = await appendEvents(test.db, {
      tenantId: tenant.tenantId,
      sessionId: sessions[1]!,
      threadId: claimed.thread.id,
      epoch: 1,
      events: [],
      turn: { op: 'settle', turnId: claimed.turn.id, outcome: 'ended', next: null },
    })
    expect(settled).toMatchObject({ wakes: [{ turnId: (await turnOf(sessions[2]!)).id, rank: 2 }] })
  })
})

it('turns that still wait for a worker are told from those that one has claimed, across tenants', async () => {
  const [waiting, claimed] = [await seed(), await seed()]
  await mustClaim(claimed)
  const ids = [(await turnOf(waiting.sessionId)).id, (await turnOf(claimed.sessionId)).id]
  expect(await findDueTurns(test.db, [...ids, createId('trn')])).toEqual(new Set([ids[0]]))
})
