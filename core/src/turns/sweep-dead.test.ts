import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { silentParts } from '../../testing/seeds.ts'
import { createSweepScene, type SweepScene } from '../../testing/sweep-scene.ts'
import { resumeSession } from '../sessions/resume-session.ts'
import type { WorkerKind } from './claim-turn.ts'
import { sweepTurns } from './sweep-turns.ts'

let scene: SweepScene
let test: SweepScene['test']
let seed: SweepScene['seed']
let claim: SweepScene['claim']
let mustClaim: SweepScene['mustClaim']
let kill: SweepScene['kill']
let turnOf: SweepScene['turnOf']
beforeAll(async () => {
  scene = await createSweepScene()
  ;({ test, seed, claim, mustClaim, kill, turnOf } = scene)
})
afterAll(() => scene?.test.close())
beforeEach(() => scene.clear())

describe('of what dead workers ran the sweep', () => {
  it('counts no crash against a crowd of suspects that died together, and lets no crowd have them again', async () => {
    const of = await seed()
    const sweepDead = async (kind: WorkerKind) => {
      const { workerId } = await mustClaim(of, kind)
      await kill(workerId)
      await sweepTurns(test.db)
    }
    await sweepDead('worker')
    expect(await claim(of, 'worker')).toMatchObject({ refused: 'suspect' })
    await sweepDead('crowd')
    expect(await turnOf(of.sessionId)).toMatchObject({ state: 'due', suspect: true, alone: true, crashes: 0 })
    for (const kind of ['worker', 'crowd'] as const) expect(await claim(of, kind)).toMatchObject({ refused: 'alone' })
    await sweepDead('suspect')
    expect(await turnOf(of.sessionId)).toMatchObject({ suspect: true, alone: true, crashes: 1 })
  })

  it('makes the turns of a dead worker due again as suspects, and leaves those of the living', async () => {
    const [dead, living] = [await seed(), await seed()]
    const { workerId } = await mustClaim(dead)
    await mustClaim(living)
    await kill(workerId)
    expect((await sweepTurns(test.db)).wakes).toMatchObject([{ tenantId: dead.tenantId }])
    expect(await turnOf(dead.sessionId)).toMatchObject({ state: 'due', suspect: true, crashes: 0 })
    expect(await turnOf(living.sessionId)).toMatchObject({ state: 'running', suspect: false })
    const { rows } = await test.superuser.query('select worker_id from lease')
    expect(rows.map((row) => row.worker_id)).not.toContain(workerId)
  })

  it('counts only crashes alone, pauses the session after three of them, and starts counting anew when a person resumes it', async () => {
    const of = await seed()
    const { workerId } = await mustClaim(of)
    await kill(workerId)
    await sweepTurns(test.db)
    for (let crash = 1; crash <= 3; crash++) {
      const { workerId: alone } = await mustClaim(of, 'suspect')
      await kill(alone)
      await sweepTurns(test.db)
      expect(await turnOf(of.sessionId)).toMatchObject({ state: 'due', suspect: true, crashes: crash })
    }
    expect(await claim(of, 'suspect')).toMatchObject({ refused: 'crash_loop', sessionId: of.sessionId })
    const status = async () => (await test.superuser.query('select status, stop_reason from session where id = $1', [of.sessionId])).rows[0]
    expect(await status()).toEqual({ status: 'PAUSED', stop_reason: 'CRASH_LOOP' })
    expect((await sweepTurns(test.db)).wakes).toEqual([])
    await resumeSession(silentParts(test.db), of.caller, { sessionId: of.sessionId })
    expect(await turnOf(of.sessionId)).toMatchObject({ state: 'due', suspect: true, crashes: 0 })
    await mustClaim(of, 'suspect')
  })
})
