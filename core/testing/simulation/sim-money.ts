import type { Booked } from '../../src/checker/check-model-witness.ts'
import type { Settlement } from '../../src/log/append-events.ts'
import type { Bugs } from './planted-bug.ts'

export type SimReservation = {
  id: string
  sessionId: string
  threadId: string
  workerId: string
  epoch: number
  amountNanos: bigint
  state: 'held' | 'settled' | 'presumed'
  createdAt: number
  charge: { costNanos: bigint; basis: Settlement['basis']; requestId: string | null } | null
}

/** The budgets of one tenant as reserve_call and settle_reservation keep them, under one cap. */
export class SimMoney {
  readonly reservations = new Map<string, SimReservation>()
  readonly #limitNanos: bigint
  readonly #bugs: Bugs
  spentNanos = 0n
  heldNanos = 0n
  /** The most that was ever spent and held together. */
  peakNanos = 0n

  constructor(limitNanos: bigint, bugs: Bugs) {
    this.#limitNanos = limitNanos
    this.#bugs = bugs
  }

  get limitNanos(): bigint {
    return this.#limitNanos
  }

  reserve(reservation: Omit<SimReservation, 'state' | 'charge'>): { granted: true } | { granted: false; by: 'spent' | 'held' } {
    const held = this.#bugs.has('holds_uncounted') ? 0n : this.heldNanos
    if (this.spentNanos + reservation.amountNanos > this.#limitNanos) return { granted: false, by: 'spent' }
    if (this.spentNanos + held + reservation.amountNanos > this.#limitNanos) return { granted: false, by: 'held' }
    this.reservations.set(reservation.id, { ...reservation, state: 'held', charge: null })
    this.#add(reservation.amountNanos, 0n)
    return { granted: true }
  }

  /** Once per reservation, except that a true figure corrects a presumed one. Says whether anything was settled. */
  settle({ reservationId, costNanos, basis, requestId }: Settlement): boolean {
    const held = this.reservations.get(reservationId)
    if (held === undefined) return false
    if (held.state === 'settled' || (held.state === 'presumed' && basis === 'presumed')) return false
    const unknown = this.#bugs.has('unknown_is_free') ? 0n : held.amountNanos
    const cost = basis === 'presumed' ? unknown : costNanos
    if (held.state === 'held') this.#add(-held.amountNanos, cost)
    else this.#add(0n, this.#bugs.has('correction_added') ? cost : cost - (held.charge?.costNanos ?? 0n))
    held.state = basis === 'presumed' ? 'presumed' : 'settled'
    held.charge = { costNanos: cost, basis, requestId: requestId ?? null }
    return true
  }

  books(): Booked[] {
    return [...this.reservations.values()].map(({ id, sessionId, amountNanos, charge }) => ({
      reservationId: id,
      sessionId,
      requestId: charge?.requestId ?? null,
      basis: charge?.basis ?? 'held',
      costNanos: charge?.costNanos ?? amountNanos,
      cutShort: false,
    }))
  }

  #add(held: bigint, spent: bigint): void {
    this.heldNanos += held
    this.spentNanos += spent
    if (this.heldNanos + this.spentNanos > this.peakNanos) this.peakNanos = this.heldNanos + this.spentNanos
  }
}
