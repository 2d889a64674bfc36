import type { SimClaim } from './sim-store.ts'
import { ClaimLost, endBadly, type Steps, Unheard } from './sim-stretch.ts'
import { runTurn } from './sim-turn.ts'
import { SimWishes } from './sim-wishes.ts'
import type { SimWorld } from './simulate.ts'

type Active = { claim: SimClaim; wishes: SimWishes; steps: Steps<void>; nextAt: number }
/** What a lease's renewal will say when its answer arrives: it may be late, and old by then. */
type News = { at: number; tell: () => void }

const LEASE_MS = 6_000
const RENEW_MS = 1_500
const CONCURRENCY = 2
/** Chances at each moment at which a worker has something in hand. */
const CRASH = 0.02
const STALL = 0.01
/** A connection that breaks before, or after, the database has done what it was asked. */
const UNHEARD_RETRY_MS = 400

/** A worker process: takes wakes, advances its turns, renews its lease, and dies or stalls as the seed wants. */
export class SimWorker {
  readonly #world: SimWorld
  readonly #kind: 'worker' | 'suspect'
  readonly #active: Active[] = []
  #news: News[] = []
  #workerId: string
  #renewAt = 0
  #awakeAt = 0
  /** Suspects run one at a time in a process of their own. */
  #child: SimWorker | null = null
  #suspects: string[] = []

  constructor(world: SimWorld, kind: 'worker' | 'suspect') {
    this.#world = world
    this.#kind = kind
    this.#workerId = world.nextId('wrk')
    world.store.startLease(this.#workerId, kind, LEASE_MS)
  }

  isAwake(): boolean {
    return this.#awakeAt <= this.#world.now()
  }

  hasRoom(): boolean {
    return this.isAwake() && this.#active.length < CONCURRENCY
  }

  isIdle(): boolean {
    return this.#active.length === 0 && (this.#child === null || this.#child.isIdle())
  }

  tick(): void {
    const { random, now } = this.#world
    if (!this.isAwake()) return
    if (this.#world.faulty() && this.#active.length > 0) {
      if (random.chance(CRASH)) {
        this.#crash()
        return
      }
      if (random.chance(STALL)) {
        this.#awakeAt = now() + random.int(100, 15_000)
        return
      }
    }
    this.#renew()
    if (this.#news.length > 0) {
      for (const { at, tell } of this.#news) if (at <= now()) tell()
      this.#news = this.#news.filter(({ at }) => at > now())
    }
    this.#takeWake()
    this.#runSuspects()
    for (const active of [...this.#active]) this.#advance(active)
  }

  /** When it has something to do next. */
  nextAt(): number {
    let next = Math.min(this.#renewAt, this.#child?.nextAt() ?? Number.POSITIVE_INFINITY)
    for (const { nextAt } of this.#active) next = Math.min(next, nextAt)
    for (const { at } of this.#news) next = Math.min(next, at)
    return Math.max(next, this.#awakeAt)
  }

  /** Somebody announced that a person wishes something: the worker looks. */
  hear(sessionId: string): void {
    if (this.#active.some(({ claim }) => claim.session.id === sessionId)) this.#askForWishes()
    this.#child?.hear(sessionId)
  }

  claim(turnId: string): void {
    const { store } = this.#world
    const claim = store.claim(turnId, this.#workerId, this.#kind)
    if ('refused' in claim) {
      if (claim.refused === 'suspect' && !this.#suspects.includes(turnId)) this.#suspects.push(turnId)
      return
    }
    const wishes = new SimWishes(claim.control)
    this.#active.push({ claim, wishes, steps: runTurn(this.#world, claim, wishes), nextAt: 0 })
  }

  #takeWake(): void {
    if (!this.hasRoom() || this.#kind === 'suspect') return
    const turnId = this.#world.queue.take()
    if (turnId !== null) this.claim(turnId)
  }

  #runSuspects(): void {
    if (this.#suspects.length > 0) {
      this.#child ??= new SimWorker(this.#world, 'suspect')
      if (this.#child.isIdle()) this.#child.claim(this.#suspects.shift() ?? '')
    }
    this.#child?.tick()
  }

  #advance(active: Active): void {
    const { now } = this.#world
    if (active.nextAt > now()) return
    try {
      const { done, value } = active.steps.next()
      if (!done) {
        active.nextAt = now() + value
        return
      }
    } catch (error) {
      if (error instanceof Unheard) {
        active.steps = endBadly(this.#world, active.claim)
        active.nextAt = now() + UNHEARD_RETRY_MS
        return
      }
      if (!(error instanceof ClaimLost)) throw error
    }
    this.#active.splice(this.#active.indexOf(active), 1)
  }

  /** kill -9: nothing is said to anybody. A new process starts under a new name. */
  #crash(): void {
    this.#active.length = 0
    this.#news = []
    this.#suspects = []
    this.#child = null
    this.#awakeAt = this.#world.now() + this.#world.random.int(50, 4_000)
    this.#workerId = this.#world.nextId('wrk')
    this.#renewAt = 0
    this.#world.store.startLease(this.#workerId, this.#kind, this.#awakeAt - this.#world.now() + LEASE_MS)
  }

  #renew(): void {
    const { store, now } = this.#world
    if (this.#renewAt > now()) return
    this.#renewAt = now() + RENEW_MS
    if (store.renewLease(this.#workerId, LEASE_MS).alive) {
      this.#askForWishes()
      return
    }
    for (const { wishes } of this.#active) wishes.lost = true
    this.#workerId = this.#world.nextId('wrk')
    store.startLease(this.#workerId, this.#kind, LEASE_MS)
  }

  /** Reads what people wish now; the answer is told a moment later, when it may be old. */
  #askForWishes(): void {
    const { random, now } = this.#world
    for (const { claim, wishes } of this.#active) {
      const { control, claim: held } = claim.session
      const mine = held.epoch === claim.epoch && held.workerId === claim.workerId
      this.#news.push({
        at: now() + random.int(0, random.pick([5, 30, 1_000])),
        tell: () => {
          if (mine && wishes.control !== control) wishes.tell(control)
          if (!mine) wishes.lost = true
        },
      })
    }
  }
}
