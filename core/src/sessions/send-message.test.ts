import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PlatformError } from '../errors.ts'
import { SESSION_STATUSES } from '../events/session-events.ts'
import type { Change, LockedSession } from './change-session.ts'
import { decidePause } from './pause-session.ts'
import { decideResume } from './resume-session.ts'
import { decideMessage } from './send-message.ts'

/** Sessions as they can be: ended ones have no open turn, those at work have one. */
const session: fc.Arbitrary<LockedSession> = fc
  .record({
    status: fc.constantFrom(...SESSION_STATUSES),
    turn: fc.record({
      kind: fc.constantFrom('work' as const, 'evaluate' as const),
      state: fc.constantFrom('due' as const, 'running' as const, 'waiting' as const),
      waitReason: fc.constantFrom(null, 'retry', 'budget', 'budget_reached', 'paused'),
    }),
    parked: fc.boolean(),
    control: fc.constantFrom(null, null, 'pause' as const, 'interrupt' as const),
    head: fc.integer({ min: 3, max: 1_000 }),
  })
  .map(({ status, turn, parked, control, head }) => {
    const atWork = status === 'QUEUED' || status === 'RUNNING'
    const open = atWork || (status === 'PAUSED' && parked)
    return {
      id: 'ses_1',
      status,
      stopReason: null,
      control: atWork && turn.state === 'running' ? control : null,
      primaryThreadId: 'thr_1',
      head,
      evaluationRounds: 0,
      turn: open ? { id: 'trn_1', ...turn, state: atWork ? turn.state : 'waiting' } : null,
      backlog: 0,
      unread: 0,
      tenant: { status: 'ACTIVE', backlogLimit: 10 },
    }
  })

const isFinal = ({ status }: LockedSession) => status === 'FAILED' || status === 'CANCELED'
const statusIn = (change: Change | null) => change?.events.find((event) => event.type === 'session.status')?.payload.status ?? null
const attempt = (run: () => Change | null): Change | null | 'refused' => {
  try {
    return run()
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'CONFLICT') return 'refused'
    throw error
  }
}
const mode = fc.constantFrom('QUEUE' as const, 'STEER' as const, 'INTERRUPT' as const)
const say = (text: string, chosen: 'QUEUE' | 'STEER' | 'INTERRUPT') => ({ actor: 'key_1', text, lossy: false, mode: chosen })

describe('what a message does', () => {
  it('is in the log first, and a turn will read it: one that runs, or one that is made due', () => {
    fc.assert(
      fc.property(session, mode, fc.string(), (drawn, chosen, text) => {
        fc.pre(!isFinal(drawn))
        const change = decideMessage(drawn, say(text, chosen))
        expect(change.events[0]).toMatchObject({ type: 'user.message', payload: { text, mode: chosen.toLowerCase() } })
        if (drawn.turn?.state === 'running') expect(change.turn?.op).not.toBe('ensure')
        else expect(change.turn).toMatchObject({ op: 'ensure', next: { kind: 'work' } })
      }),
    )
  })

  it('takes up a session that has stopped, and only such a one', () => {
    fc.assert(
      fc.property(session, mode, (drawn, chosen) => {
        fc.pre(!isFinal(drawn))
        const stopped = ['IDLE', 'PAUSED', 'COMPLETED'].includes(drawn.status)
        expect(statusIn(decideMessage(drawn, say('x', chosen)))).toBe(stopped ? 'QUEUED' : null)
      }),
    )
  })

  it('stops the work at hand only as an INTERRUPT, only where something runs, and names itself in it', () => {
    fc.assert(
      fc.property(session, mode, (drawn, chosen) => {
        fc.pre(!isFinal(drawn))
        const change = decideMessage(drawn, say('x', chosen))
        const interrupts = chosen === 'INTERRUPT' && drawn.turn?.state === 'running'
        expect([change.turn?.control ?? null, change.control ?? false]).toEqual(interrupts ? ['interrupt', true] : [null, false])
        const named = change.events.flatMap((event) => (event.type === 'user.interrupt' ? [event.payload.messageSeq] : []))
        expect(named).toEqual(interrupts ? [drawn.head + 1] : [])
      }),
    )
  })
})

describe('pausing and resuming', () => {
  it('asks what runs, stops what does not, and leaves final sessions as they are', () => {
    fc.assert(
      fc.property(session, (drawn) => {
        const change = attempt(() => decidePause(drawn, 'key_1'))
        if (isFinal(drawn)) expect(change).toBe('refused')
        if (change === null || change === 'refused') return
        if (drawn.turn?.state === 'running')
          expect(change).toMatchObject({ events: [], turn: { op: 'control', control: 'pause' }, control: true })
        else expect([statusIn(change), change.turn?.op]).toEqual(['PAUSED', 'park'])
      }),
    )
  })

  it('undo each other: what was paused goes on when it is resumed, and a wish that was not obeyed yet is taken back', () => {
    fc.assert(
      fc.property(session, (drawn) => {
        const paused = attempt(() => decidePause(drawn, 'key_1'))
        fc.pre(paused !== null && paused !== 'refused')
        const after: LockedSession =
          drawn.turn?.state === 'running'
            ? { ...drawn, control: 'pause' }
            : { ...drawn, status: 'PAUSED', turn: drawn.turn && { ...drawn.turn, state: 'waiting', waitReason: 'paused' } }
        const resumed = attempt(() => decideResume(after, 'key_1'))
        if (drawn.turn?.state === 'running') expect(resumed).toMatchObject({ turn: { op: 'control', control: null } })
        else expect([statusIn(resumed as Change), (resumed as Change).turn?.op]).toEqual(['QUEUED', 'ensure'])
        expect(attempt(() => decidePause(after, 'key_1'))).toBeNull() // a second wish to pause changes nothing
      }),
    )
  })
})
