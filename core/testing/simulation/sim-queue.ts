import type { Wake } from '../../src/log/append-events.ts'
import type { Random } from './random.ts'

type Job = { turnId: string; at: number }
export type QueueFaults = { drop: number; duplicate: number; delayMs: number }

/** A channel for wakes that loses, doubles, delays and reorders them. */
export class SimQueue {
  #jobs: Job[] = []
  readonly #random: Random
  readonly #now: () => number
  faults: QueueFaults

  constructor({ random, now, faults }: { random: Random; now: () => number; faults: QueueFaults }) {
    this.#random = random
    this.#now = now
    this.faults = faults
  }

  send(wakes: readonly Wake[]): void {
    for (const { turnId } of wakes) {
      if (this.#random.chance(this.faults.drop)) continue
      const copies = this.#random.chance(this.faults.duplicate) ? this.#random.int(2, 3) : 1
      for (let copy = 0; copy < copies; copy++) this.#jobs.push({ turnId, at: this.#now() + this.#random.int(1, 1 + this.faults.delayMs) })
    }
  }

  /** Any job whose time has come, in no order. */
  take(): string | null {
    if (this.#jobs.length === 0) return null
    const ready = this.#jobs.filter(({ at }) => at <= this.#now())
    const [first, ...rest] = ready
    if (first === undefined) return null
    const job = this.#random.pick([first, ...rest])
    this.#jobs.splice(this.#jobs.indexOf(job), 1)
    return job.turnId
  }

  /** When the next job may be taken. */
  nextAt(): number {
    return this.#jobs.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY)
  }

  /** Every key deleted, as when its server dies without a disk. */
  wipe(): void {
    this.#jobs = []
  }
}
