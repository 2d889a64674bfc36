import fc from 'fast-check'
import { expect } from 'vitest'
import { reserveCall, settleCall } from '../../src/budgets/reserve-call.ts'
import type { NewEvent } from '../../src/events/event.ts'
import { createId } from '../../src/ids.ts'
import type { Settlement } from '../../src/log/append-events.ts'
import { decidePause } from '../../src/sessions/pause-session.ts'
import { decideResume } from '../../src/sessions/resume-session.ts'
import { decideMessage } from '../../src/sessions/send-message.ts'
import { claimTurn } from '../../src/turns/claim-turn.ts'
import { releaseClaim } from '../../src/turns/release-claim.ts'
import { sweepTurns } from '../../src/turns/sweep-turns.ts'
import { USAGE } from './arbitrary-log.ts'
import { statusOf } from './sim-store.ts'
import { type Held, PAIR_SESSIONS, type TwinPair } from './twin-pair.ts'

/** One thing that a person, a worker or time does; `of` and `worker` say to whom and by whom, `number` how. */
export type Command = { of: number; worker: number; what: keyof typeof COMMANDS; number: number }

type Told = { pair: TwinPair; sessionId: string; worker: number; number: number }
type Holding = Told & { held: Held }

export const runCommand = async (pair: TwinPair, { of, worker, what, number }: Command): Promise<void> => {
  pair.tick()
  await COMMANDS[what]({ pair, sessionId: pair.sessionIds[of]!, worker, number })
}

/** Only for a worker that believes to hold a claim. */
const holding =
  (run: (told: Holding) => Promise<void>) =>
  async (told: Told): Promise<void> => {
    const held = told.pair.held[told.worker]
    if (held != null) await run({ ...told, held })
  }

const message = ({ pair, sessionId, number }: Told, mode: 'QUEUE' | 'STEER' | 'INTERRUPT') =>
  pair.person(sessionId, (session) =>
    session.status === 'CANCELED' ? null : decideMessage(session, { actor: pair.keyId, text: String(number), lossy: false, mode }),
  )

const claim = async ({ pair, sessionId, worker }: Told): Promise<void> => {
  const turn = pair.twin.openTurn(sessionId)
  if (turn === null) return
  const [workerId, kind] = [pair.workers[worker]!, pair.kindOf(worker)]
  const real = await claimTurn(pair.test.db, { tenantId: pair.tenantId, turnId: turn.id, workerId, engineId: null, kind })
  const told = pair.twin.claim(turn.id, workerId, kind)
  expect(real.refused).toEqual('refused' in told ? told.refused : undefined)
  if ('refused' in told || real.refused !== undefined) return
  const { epoch, unread, control, session } = told
  expect(real.claimed).toMatchObject({
    epoch,
    unread,
    session: { control },
    turn: { attempt: told.turn.attempt, suspect: told.turn.suspect },
  })
  pair.held[worker] = { sessionId, threadId: session.threadId, turnId: turn.id, epoch }
}

const reserve = async ({ pair, held, worker, number }: Holding): Promise<void> => {
  const { sessionId, threadId, turnId, epoch } = held
  const [id, workerId, amountNanos] = [createId('rsv'), pair.workers[worker]!, BigInt(number)]
  const call = { id, turnId, agentId: pair.agentId, workerId, kind: 'work' as const, model: 'm' }
  const amounts = { fixedNanos: amountNanos, perTokenNanos: 0n, maxTokens: 1, minTokens: 1 }
  const real = await reserveCall(pair.test.db, { tenantId: pair.tenantId, sessionId, threadId, epoch, ...call, ...amounts })
  const told = pair.twin.reserve({ id, sessionId, threadId, workerId, epoch, amountNanos })
  pair.compare(real, told)
  if ('granted' in told && told.granted) pair.reservations.push(id)
}

const settle = async ({ pair, number }: Told, basis: Settlement['basis']): Promise<void> => {
  const reservationId = pair.reservations[number % Math.max(1, pair.reservations.length)]
  if (reservationId === undefined) return
  const settlement = { reservationId, costNanos: BigInt(number % 7), usage: null, basis }
  pair.compare(await settleCall(pair.test.db, pair.tenantId, settlement), pair.twin.settleAlone(settlement))
}

const die = async ({ pair, worker }: Told): Promise<void> => {
  const workerId = pair.workers[worker]!
  await pair.test.superuser.query("update lease set expires_at = clock_timestamp() - interval '1 second' where worker_id = $1", [workerId])
  pair.twin.endLease(workerId)
  await pair.beginWorker(worker)
}

const COMMANDS = {
  queue: (told: Told) => message(told, 'QUEUE'),
  steer: (told: Told) => message(told, 'STEER'),
  interrupt: (told: Told) => message(told, 'INTERRUPT'),
  pause: ({ pair, sessionId }: Told) => pair.person(sessionId, (session) => decidePause(session, pair.keyId)),
  resume: ({ pair, sessionId }: Told) => pair.person(sessionId, (session) => decideResume(session, pair.keyId)),
  point: async ({ pair, sessionId }: Told) => pair.takePoint(sessionId),
  goBack: ({ pair, sessionId, number }: Told) => pair.person(sessionId, (session) => pair.goBack(session, number)),
  cancel: ({ pair, sessionId, number }: Told) =>
    pair.person(sessionId, ({ status }) =>
      number % 4 > 0 || status === 'CANCELED'
        ? null
        : { events: [statusOf('CANCELED', 'CANCELED_BY_USER')], turn: { op: 'cancel', control: null } },
    ),
  claim,
  claimAgain: claim,
  read: holding(async ({ pair, worker, held }) => {
    const seqs = pair.twin.unread(pair.twin.sessionOf(held.sessionId)).map(({ seq }) => seq)
    if (seqs.length > 0)
      await pair.write(worker, [{ type: 'user.message_read', actor: 'platform', payload: { turnId: held.turnId, seqs } }])
  }),
  answer: holding(({ pair, worker, held }) => pair.write(worker, [answerOf(held.turnId)], { guard: { control: false } })),
  status: holding(({ pair, worker }) => pair.write(worker, [statusOf('RUNNING', null)])),
  stale: holding(({ pair, worker }) => pair.write(worker, [statusOf('RUNNING', null)], {}, 1)),
  goOn: holding(({ pair, worker, held, number }) =>
    pair.write(worker, [], {
      turn: {
        op: 'settle',
        turnId: held.turnId,
        outcome: 'continue',
        next: { id: createId('trn'), kind: 'work' },
        ...(number % 3 === 0 ? ({ obeyed: 'interrupt' } as const) : {}),
      },
    }),
  ),
  end: holding(({ pair, worker, held }) =>
    pair.write(worker, [statusOf('IDLE', 'END_TURN')], {
      turn: { op: 'settle', turnId: held.turnId, outcome: 'ended', next: null },
      guard: { unread: 0 },
    }),
  ),
  delay: holding(({ pair, worker, held, number }) =>
    pair.write(worker, [], {
      turn: { op: 'delay', turnId: held.turnId, dueInMs: number % 2 === 0 ? 0 : 3_600_000, attempt: 1, reason: 'retry' },
    }),
  ),
  waitForPerson: holding(({ pair, worker, held }) =>
    pair.write(worker, [statusOf('PAUSED', 'PAUSED_BY_USER')], {
      turn: { op: 'wait', turnId: held.turnId, reason: 'paused' },
      guard: { control: 'pause' },
    }),
  ),
  waitForMoney: holding(({ pair, worker, held }) =>
    pair.write(worker, [statusOf('QUEUED', null)], {
      turn: { op: 'wait', turnId: held.turnId, reason: 'budget', scope: `TENANT:${pair.tenantId}`, dueAt: null },
    }),
  ),
  giveUp: holding(({ pair, worker, held }) =>
    pair.write(worker, [statusOf('PAUSED', 'RETRIES_EXHAUSTED')], { turn: { op: 'wait', turnId: held.turnId, reason: 'paused' } }),
  ),
  obey: holding(({ pair, worker }) => pair.write(worker, [], { turn: { op: 'control', obeyed: 'interrupt' } })),
  release: holding(async ({ pair, held }) => {
    const { sessionId, threadId, epoch } = held
    const real = await releaseClaim(pair.test.db, { tenantId: pair.tenantId, threadId, epoch, dueInMs: 0 })
    expect(pair.wakesOf(real)).toEqual(pair.wakesOf(pair.twin.release({ sessionId, epoch, dueInMs: 0 })))
  }),
  reserve: holding(reserve),
  reserveAgain: holding(reserve),
  settle: (told: Told) => settle(told, 'exact'),
  presume: (told: Told) => settle(told, 'presumed'),
  die,
  sweep: async ({ pair }: Told) => pair.compare(await sweepTurns(pair.test.db), pair.twin.sweep()),
  pass: ({ pair, number }: Told) => pair.pass((number % 40) * 1_000),
} satisfies Record<string, (told: Told) => Promise<void>>

const answerOf = (turnId: string): NewEvent => ({
  type: 'agent.message',
  actor: 'agent',
  payload: {
    turnId,
    model: 'm',
    content: [],
    stopReason: 'end_turn',
    usage: USAGE,
    basis: 'exact',
    reservationId: 'r',
    promptHash: 'h',
    brokenCalls: [],
  },
})

export const arbitraryCommand: fc.Arbitrary<Command> = fc.record({
  of: fc.nat(PAIR_SESSIONS - 1),
  worker: fc.nat(1),
  what: fc.constantFrom(...(Object.keys(COMMANDS) as (keyof typeof COMMANDS)[])),
  number: fc.nat(1_000),
})
