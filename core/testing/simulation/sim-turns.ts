import type { SessionFold } from '../../src/events/fold-session.ts'
import type { NextTurn, TurnMove, Wake } from '../../src/log/append-events.ts'

export type SimTurn = {
  id: string
  sessionId: string
  kind: 'work' | 'evaluate'
  state: 'due' | 'running' | 'waiting' | 'settled'
  dueAt: number
  waitReason: string | null
  waitScope: string | null
  wakeNo: number
  wakes: number
  wokenAt: number | null
  attempt: number
  suspect: boolean
  crashes: number
  round: number
}

type Movable = {
  id: string
  control: 'pause' | 'interrupt' | null
  fold: Pick<SessionFold, 'unread'>
  claim: { epoch: number; workerId: string | null; turnId: string | null }
}

const TENANT = 'tnt_simulated'
/** More waiters than these are not woken by one settlement. */
const WOKEN_BY_SETTLEMENT = 8

/** The turns of one tenant and its slots: move_turn, fill_slots and the sweep's part that looks at turns. */
export class SimTurns {
  readonly #turns = new Map<string, SimTurn>()
  readonly #now: () => number
  readonly #maxConcurrent: number

  constructor({ now, maxConcurrent }: { now: () => number; maxConcurrent: number }) {
    this.#now = now
    this.#maxConcurrent = maxConcurrent
  }

  get(id: string): SimTurn | undefined {
    return this.#turns.get(id)
  }

  open(sessionId: string): SimTurn | null {
    for (const turn of this.#turns.values()) if (turn.sessionId === sessionId && turn.state !== 'settled') return turn
    return null
  }

  /** Money was freed: those who waited for it look again. */
  wakeWaiters(): void {
    const waiting = [...this.#turns.values()].filter(({ state, waitReason }) => state === 'waiting' && waitReason === 'budget')
    for (const turn of waiting.slice(0, WOKEN_BY_SETTLEMENT)) this.#makeDue(turn)
  }

  /** Waiters whose time has come, wakes that nobody took, and free slots. */
  sweep({ nothingHeld }: { nothingHeld: boolean }): Wake[] {
    const now = this.#now()
    const all = [...this.#turns.values()]
    for (const turn of all) {
      if (turn.state !== 'waiting' || (turn.waitReason !== 'budget' && turn.waitReason !== 'budget_reached')) continue
      if (turn.dueAt <= now || (turn.waitReason === 'budget' && nothingHeld)) this.#makeDue(turn)
    }
    const again = all.filter(({ state, wokenAt, wakes }) => state === 'due' && wokenAt !== null && wokenAt < now - patienceMs(wakes))
    for (const turn of again) Object.assign(turn, { wakeNo: turn.wakeNo + 1, wakes: turn.wakes + 1, wokenAt: now })
    return [...again.map((turn) => toWake(turn, 1)), ...this.fillSlots()]
  }

  /** What becomes of a session's open turn, as move_turn says. */
  move(session: Movable, move: TurnMove): void {
    const turn = this.open(session.id)
    if (move.control !== undefined) session.control = move.control
    const interrupts = [...session.fold.unread.values()].some(({ mode }) => mode === 'interrupt')
    if (move.obeyed !== undefined && session.control === move.obeyed && !interrupts) session.control = null
    if (move.op === 'settle' || move.op === 'delay' || move.op === 'wait') {
      if (turn?.id !== move.turnId) throw new Error(`turn ${move.turnId} is not the open turn of ${session.id}`)
      Object.assign(session.claim, { workerId: null, turnId: null })
    }
    switch (move.op) {
      case 'settle':
        Object.assign(turn ?? {}, { state: 'settled', wokenAt: null, waitReason: null })
        if (move.next === null) session.control = null
        else this.#add(session, move.next)
        break
      case 'delay':
        Object.assign(turn ?? {}, {
          state: 'due',
          dueAt: this.#now() + move.dueInMs,
          attempt: move.attempt,
          waitReason: move.reason,
          wokenAt: null,
        })
        break
      case 'wait':
        Object.assign(turn ?? {}, {
          state: 'waiting',
          waitReason: move.reason,
          waitScope: move.scope ?? null,
          wokenAt: null,
          attempt: 0,
          dueAt: move.dueAt == null ? this.#now() + (move.dueInMs ?? Number.POSITIVE_INFINITY) : Date.parse(move.dueAt),
        })
        if (move.reason !== 'budget') session.control = null
        break
      case 'ensure':
        if (turn === null) this.#add(session, move.next)
        else if (turn.state === 'waiting' || (turn.state === 'due' && turn.waitReason === 'retry')) {
          Object.assign(turn, {
            state: 'due',
            dueAt: this.#now(),
            waitReason: null,
            waitScope: null,
            attempt: 0,
            crashes: 0,
            wokenAt: null,
          })
          if (interrupts) session.control = 'interrupt'
        }
        break
      case 'park':
        if (turn?.state === 'due' || turn?.state === 'waiting')
          Object.assign(turn, {
            state: 'waiting',
            waitReason: move.reason,
            waitScope: null,
            dueAt: Number.POSITIVE_INFINITY,
            wokenAt: null,
          })
        break
      case 'cancel':
        Object.assign(session.claim, { epoch: session.claim.epoch + 1, workerId: null, turnId: null })
        if (turn !== null) Object.assign(turn, { state: 'settled', wokenAt: null })
        break
      case 'control':
        break
    }
  }

  #add(session: Movable, { id, kind, round }: NextTurn): void {
    const fresh = { waitReason: null, waitScope: null, wakeNo: 0, wakes: 0, wokenAt: null, attempt: 0, suspect: false, crashes: 0 }
    this.#turns.set(id, { ...fresh, id, sessionId: session.id, kind, state: 'due', dueAt: this.#now(), round: round ?? 0 })
  }

  /** A tenant's free slots go to its oldest due turns. */
  fillSlots(): Wake[] {
    const all = [...this.#turns.values()]
    const busy = all.filter(({ state, wokenAt }) => wokenAt !== null && (state === 'due' || state === 'running')).length
    const next = all
      .filter(({ state, wokenAt, dueAt }) => state === 'due' && wokenAt === null && dueAt <= this.#now())
      .toSorted((a, b) => a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1))
    return next.slice(0, Math.max(0, this.#maxConcurrent - busy)).map((turn, index) => {
      Object.assign(turn, { wokenAt: this.#now(), wakeNo: turn.wakeNo + 1, wakes: 1, waitReason: null })
      return toWake(turn, busy + index + 1)
    })
  }

  #makeDue(turn: SimTurn): void {
    Object.assign(turn, { state: 'due', dueAt: this.#now(), wokenAt: null })
  }
}

const patienceMs = (wakes: number): number => Math.min(30, 2 ** Math.min(wakes, 10)) * 1_000

const toWake = ({ id, wakeNo }: SimTurn, rank: number): Wake => ({ tenantId: TENANT, turnId: id, wakeNo, engineId: null, rank })
