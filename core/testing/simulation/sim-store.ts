/**
 * The database's twin in memory: what append_events, claim_turn, sweep_turns and their kin do, word for word, with a clock that is
 * passed in. A test holds it against the real Postgres; without that it would prove nothing.
 */
import type { LogEvent, NewEvent } from '../../src/events/event.ts'
import { EMPTY_FOLD, foldSession, type SessionFold } from '../../src/events/fold-session.ts'
import type { Append, AppendResult, Settlement, Wake } from '../../src/log/append-events.ts'
import type { UnreadMessage } from '../../src/turns/view-turn.ts'
import type { Bugs } from './planted-bug.ts'
import { SimMoney, type SimReservation } from './sim-money.ts'
import { type SimTurn, SimTurns } from './sim-turns.ts'

export type SimSession = {
  id: string
  threadId: string
  log: LogEvent[]
  fold: SessionFold
  control: 'pause' | 'interrupt' | null
  claim: { epoch: number; workerId: string | null; turnId: string | null }
  /** The epoch under which each event was written, by its seq; null for people and the platform. */
  epochs: (number | null)[]
}

export type SimClaim = {
  epoch: number
  workerId: string
  session: SimSession
  turn: SimTurn
  unread: UnreadMessage[]
  control: SimSession['control']
}
export type ClaimRefusal = 'gone' | 'not_due' | 'held' | 'no_lease' | 'suspect' | 'crash_loop'

const MAX_CRASHES = 3
/** A living worker that has lost the claim and has not settled for so long never will, or corrects it then. */
const FORGOTTEN_MS = 60_000

export class SimStore {
  readonly sessions = new Map<string, SimSession>()
  readonly leases = new Map<string, { kind: 'worker' | 'suspect'; expiresAt: number }>()
  readonly money: SimMoney
  readonly #turns: SimTurns
  readonly #now: () => number
  readonly #bugs: Bugs

  constructor({ now, bugs, maxConcurrent, limitNanos }: { now: () => number; bugs: Bugs; maxConcurrent: number; limitNanos: bigint }) {
    this.#now = now
    this.#bugs = bugs
    this.#turns = new SimTurns({ now, maxConcurrent })
    this.money = new SimMoney(limitNanos, bugs)
  }

  addSession(id: string, threadId = `thr_${id}`): SimSession {
    const session: SimSession = {
      id,
      threadId,
      log: [],
      fold: EMPTY_FOLD,
      control: null,
      claim: { epoch: 0, workerId: null, turnId: null },
      epochs: [],
    }
    this.sessions.set(id, session)
    return session
  }

  sessionOf(id: string): SimSession {
    const session = this.sessions.get(id)
    if (session === undefined) throw new Error(`there is no session ${id}`)
    return session
  }

  openTurn(sessionId: string): SimTurn | null {
    return this.#turns.open(sessionId)
  }

  unread(session: SimSession): UnreadMessage[] {
    return [...session.fold.unread].map(([seq, { mode }]) => ({ seq, mode: mode as UnreadMessage['mode'] }))
  }

  append({
    sessionId,
    epoch,
    events,
    guard,
    turn,
    settle,
  }: Pick<Append, 'sessionId' | 'epoch' | 'events' | 'guard' | 'turn' | 'settle'>): AppendResult {
    const session = this.sessionOf(sessionId)
    if (epoch !== null && !this.#bugs.has('epoch_unchecked') && (session.claim.epoch !== epoch || session.claim.workerId === null))
      return { refused: 'stale_epoch' }
    const unguarded = this.#bugs.has('unread_unguarded')
    if (guard?.unread !== undefined && !unguarded && session.fold.unread.size > 0) return { refused: 'unread' }
    if (guard?.control !== undefined && session.control !== (guard.control || null)) return { refused: 'control' }
    const first = session.fold.head + 1
    this.#write(session, events, epoch)
    if (turn !== undefined) this.#turns.move(session, turn)
    if (settle !== undefined) this.#settle(settle)
    const wakes = turn === undefined && settle === undefined ? [] : this.#turns.fillSlots()
    return { first, head: session.fold.head, headHash: '', status: session.fold.status, control: session.control, wakes }
  }

  claim(turnId: string, workerId: string, kind: 'worker' | 'suspect'): { refused: ClaimRefusal } | SimClaim {
    const turn = this.#turns.get(turnId)
    if (turn === undefined) return { refused: 'gone' }
    const session = this.sessionOf(turn.sessionId)
    const unchecked = this.#bugs.has('claim_unchecked') && turn.state === 'running'
    if (!unchecked) {
      if (turn.state !== 'due' || turn.dueAt > this.#now() || turn.wokenAt === null) return { refused: 'not_due' }
      if (session.claim.workerId !== null && this.isAlive(session.claim.workerId)) return { refused: 'held' }
    }
    if (!this.isAlive(workerId)) return { refused: 'no_lease' }
    if (turn.suspect && turn.crashes >= MAX_CRASHES) {
      this.#write(session, [statusOf('PAUSED', 'CRASH_LOOP')], null)
      Object.assign(turn, { state: 'waiting', waitReason: 'paused', dueAt: Number.POSITIVE_INFINITY, wokenAt: null })
      return { refused: 'crash_loop' }
    }
    if (turn.suspect && kind !== 'suspect') return { refused: 'suspect' }
    if (!unchecked) session.claim.epoch++
    Object.assign(session.claim, { workerId, turnId })
    Object.assign(turn, { state: 'running', waitReason: null, waitScope: null })
    if (session.fold.status !== 'RUNNING') this.#write(session, [statusOf('RUNNING', null)], null)
    return { epoch: session.claim.epoch, workerId, session, turn: { ...turn }, unread: this.unread(session), control: session.control }
  }

  release({ sessionId, epoch, dueInMs }: { sessionId: string; epoch: number; dueInMs: number }): Wake[] {
    const { claim } = this.sessionOf(sessionId)
    if (claim.epoch !== epoch || claim.workerId === null) return []
    const turn = this.#turns.get(claim.turnId ?? '')
    Object.assign(claim, { workerId: null, turnId: null })
    if (turn?.state === 'running') Object.assign(turn, { state: 'due', dueAt: this.#now() + dueInMs, wokenAt: null })
    return this.#turns.fillSlots()
  }

  reserve(
    reservation: Omit<SimReservation, 'state' | 'charge' | 'createdAt'>,
  ): { granted: true } | { granted: false; by: 'spent' | 'held' } | { refused: 'stale_epoch' } {
    const { claim } = this.sessionOf(reservation.sessionId)
    if (!this.#bugs.has('epoch_unchecked') && (claim.epoch !== reservation.epoch || claim.workerId !== reservation.workerId))
      return { refused: 'stale_epoch' }
    return this.money.reserve({ ...reservation, createdAt: this.#now() })
  }

  settleAlone(settle: Settlement): { settled: boolean; wakes: Wake[] } {
    return { settled: this.#settle(settle), wakes: this.#turns.fillSlots() }
  }

  isAlive(workerId: string): boolean {
    return (this.leases.get(workerId)?.expiresAt ?? 0) > this.#now()
  }

  startLease(workerId: string, kind: 'worker' | 'suspect', leaseMs: number): void {
    this.leases.set(workerId, { kind, expiresAt: this.#now() + leaseMs })
  }

  endLease(workerId: string): void {
    const lease = this.leases.get(workerId)
    if (lease !== undefined) lease.expiresAt = this.#now()
  }

  renewLease(workerId: string, leaseMs: number): { alive: boolean } {
    const lease = this.leases.get(workerId)
    if (lease === undefined || lease.expiresAt <= this.#now()) return { alive: false }
    lease.expiresAt = this.#now() + leaseMs
    return { alive: true }
  }

  sweep(): { wakes: Wake[] } {
    const now = this.#now()
    for (const { claim } of this.sessions.values()) {
      if (claim.workerId === null || this.isAlive(claim.workerId)) continue
      const turn = this.#turns.get(claim.turnId ?? '')
      const alone = this.leases.get(claim.workerId)?.kind === 'suspect'
      if (turn?.state === 'running')
        Object.assign(turn, { state: 'due', dueAt: now, suspect: true, crashes: turn.crashes + (alone ? 1 : 0), wokenAt: null })
      Object.assign(claim, { workerId: null, turnId: null })
    }
    for (const [workerId, { expiresAt }] of this.leases) if (expiresAt <= now) this.leases.delete(workerId)
    const wakes = this.#turns.sweep({ nothingHeld: this.money.heldNanos === 0n })
    for (const reservation of this.money.reservations.values()) {
      const { workerId, epoch, sessionId, state, createdAt } = reservation
      const { claim } = this.sessionOf(sessionId)
      const forgotten = createdAt < now - FORGOTTEN_MS && (claim.workerId !== workerId || claim.epoch !== epoch)
      if (state === 'held' && (forgotten || !this.isAlive(workerId))) wakes.push(...this.#presume(reservation))
    }
    return { wakes }
  }

  #presume({ id, sessionId, amountNanos }: SimReservation): Wake[] {
    if (!this.#settle({ reservationId: id, costNanos: 0n, usage: null, basis: 'presumed' })) return []
    const payload = { turnId: '', next: 'outcome_unknown' as const, message: 'the worker died during a model call' }
    this.#write(this.sessionOf(sessionId), [{ type: 'harness.error', actor: 'platform', payload, costNanos: amountNanos }], null)
    return this.#turns.fillSlots()
  }

  #settle(settle: Settlement): boolean {
    if (!this.money.settle(settle)) return false
    this.#turns.wakeWaiters()
    return true
  }

  #write(session: SimSession, events: readonly NewEvent[], epoch: number | null): void {
    for (const event of events) {
      const at = {
        seq: session.log.length + 1,
        threadId: session.threadId,
        costNanos: event.costNanos ?? null,
        createdAt: new Date(this.#now()),
      }
      const logged = { ...at, type: event.type, actor: event.actor, payload: { ...event.payload, v: 1 } } as LogEvent
      session.log.push(logged)
      session.epochs.push(epoch)
      session.fold = foldSession([logged], session.fold)
    }
  }
}

export const statusOf = (
  status: SessionFold['status'],
  stopReason: SessionFold['stopReason'],
): Extract<NewEvent, { type: 'session.status' }> => ({
  type: 'session.status',
  actor: 'platform',
  payload: { status, stopReason, activity: null },
})
