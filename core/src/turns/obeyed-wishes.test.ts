import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts'
import { seedSession, seedTenant, silentParts } from '../../testing/seeds.ts'
import type { NewEvent } from '../events/event.ts'
import { createId } from '../ids.ts'
import { type Append, appendEvents } from '../log/append-events.ts'
import { pauseSession } from '../sessions/pause-session.ts'
import { resumeSession } from '../sessions/resume-session.ts'
import { sendMessage } from '../sessions/send-message.ts'
import { claimTurn } from './claim-turn.ts'
import { startLease } from './leases.ts'
import { readControl } from './read-wishes.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

/** A session whose turn runs: what people may wish of it, and what its worker writes to obey. */
const seedRunning = async () => {
  const { tenantId, caller, ...tenant } = await seedTenant(test.db)
  const parts = silentParts(test.db)
  const sessionId = await seedSession(parts, { ...tenant, caller })
  const workerId = createId('wrk')
  await startLease(test.db, { workerId, engineId: null, kind: 'worker', host: 'here', pid: 1, leaseMs: 600_000 })
  const { rows } = await test.superuser.query<{ id: string }>('select id from turn where session_id = $1', [sessionId])
  const turnId = rows[0]?.id ?? ''
  const result = await claimTurn(test.db, { tenantId, turnId, workerId, engineId: null, kind: 'worker' })
  if (result.refused !== undefined) throw new Error(result.refused)
  const { thread, epoch } = result.claimed
  const write = (events: NewEvent[], more: Pick<Append, 'turn' | 'guard'>) =>
    appendEvents(test.db, { tenantId, sessionId, threadId: thread.id, epoch, events, ...more })
  return {
    interrupt: async () => (await sendMessage(parts, caller, { sessionId, text: 'Stop.', mode: 'INTERRUPT' })).seq,
    pause: () => pauseSession(parts, caller, { sessionId }),
    resume: () => resumeSession(parts, caller, { sessionId }),
    control: () => readControl(test.db, tenantId, sessionId),
    obeyInterrupt: (...seqs: number[]) =>
      write([{ type: 'user.message_read', actor: 'platform', payload: { turnId, seqs } }], {
        turn: { op: 'control', obeyed: 'interrupt' },
      }),
    obeyPause: () =>
      write([{ type: 'session.status', actor: 'platform', payload: { status: 'PAUSED', stopReason: 'PAUSED_BY_USER', activity: null } }], {
        turn: { op: 'wait', turnId, reason: 'paused' },
        guard: { control: 'pause' },
      }),
  }
}

it('a pause that comes while an interrupt is obeyed stands', async () => {
  const running = await seedRunning()
  const seq = await running.interrupt()
  await running.pause()
  expect(await running.obeyInterrupt(seq)).toMatchObject({ control: 'pause' })
  expect(await running.control()).toBe('pause')
})

it('a second interrupt that comes while the first is obeyed stands until its message is read', async () => {
  const running = await seedRunning()
  const first = await running.interrupt()
  const second = await running.interrupt()
  expect(await running.obeyInterrupt(first)).toMatchObject({ control: 'interrupt' })
  expect(await running.obeyInterrupt(second)).toMatchObject({ control: null })
})

it('a pause that was taken back while it was obeyed is not obeyed', async () => {
  const running = await seedRunning()
  await running.pause()
  await running.resume()
  expect(await running.obeyPause()).toEqual({ refused: 'control' })
})

it('an interrupt that comes while a pause is obeyed is obeyed in its place', async () => {
  const running = await seedRunning()
  await running.pause()
  await running.interrupt()
  expect(await running.obeyPause()).toEqual({ refused: 'control' })
  expect(await running.control()).toBe('interrupt')
})

it('a turn that was paused before it had heard of an interrupt is interrupted when it goes on', async () => {
  const running = await seedRunning()
  await running.interrupt()
  await running.pause()
  expect(await running.obeyPause()).not.toHaveProperty('refused')
  expect(await running.control()).toBeNull()
  await running.resume()
  expect(await running.control()).toBe('interrupt')
})
