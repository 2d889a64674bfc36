import type { Bugs } from './planted-bug.ts'
import type { Random } from './random.ts'

type Call = { key: string; endsAt: number; effectAt: number; happened: boolean; killed: boolean }
export type CallState = 'never' | 'running' | 'done' | 'unknown'
export type StartRefusal = 'stale' | 'repeated' | null

/**
 * A session's sandbox with its resident runner: a call goes on when the worker that asked for it is gone, its result is kept under
 * its number, lower epochs and repeats are refused. Losing the sandbox loses all of it, and nobody knows how far a call had come.
 */
export class SimSandbox {
  /** How often each effect happened, counted outside. */
  readonly effects = new Map<string, number>()
  readonly #random: Random
  readonly #now: () => number
  readonly #bugs: Bugs
  #generation = 0
  #epoch = 0
  #calls = new Map<number, Call>()

  constructor({ random, now, bugs }: { random: Random; now: () => number; bugs: Bugs }) {
    this.#random = random
    this.#now = now
    this.#bugs = bugs
  }

  get id(): string {
    return `box_${this.#generation}`
  }

  /** Attached under a claim's epoch. A new sandbox has heard of none. */
  open(epoch: number): { refused: boolean } {
    if (epoch < this.#epoch) return { refused: true }
    this.#epoch = epoch
    return { refused: false }
  }

  start(callNo: number, epoch: number, key: string): StartRefusal {
    if (epoch < this.#epoch) return 'stale'
    if (this.#calls.has(callNo) && !this.#bugs.has('call_repeated')) return 'repeated'
    const lasts = this.#random.int(1, 400)
    const now = this.#now()
    this.#settle()
    const call: Call = { key, endsAt: now + lasts, effectAt: now + this.#random.int(0, lasts), happened: false, killed: false }
    this.#calls.set(callNo, call)
    this.#settle()
    return null
  }

  inspect(callNo: number): CallState {
    this.#settle()
    const call = this.#calls.get(callNo)
    if (call === undefined) return 'never'
    if (call.killed) return 'unknown'
    return call.endsAt <= this.#now() ? 'done' : 'running'
  }

  kill(callNo: number): void {
    this.#settle()
    const call = this.#calls.get(callNo)
    if (call !== undefined && call.endsAt > this.#now()) call.killed = true
  }

  lose(): void {
    this.#settle()
    this.#generation++
    this.#epoch = 0
    this.#calls = new Map()
  }

  /** Lets happen what had its time. */
  #settle(): void {
    for (const call of this.#calls.values()) {
      if (call.happened || call.killed || call.effectAt > this.#now()) continue
      call.happened = true
      this.effects.set(call.key, (this.effects.get(call.key) ?? 0) + 1)
    }
  }
}
