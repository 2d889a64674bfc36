import type { ChangeSubscriber } from './change-subscriber.ts'
import type { ChangesLimits } from './feed-limits.ts'

/** Tells a tenant's subscribers which sessions change: each at once, then at the end of each quiet time in which it changed again. */
export class TenantChanges {
  readonly subscribers = new Set<ChangeSubscriber>()
  readonly #limits: ChangesLimits
  readonly #quiet = new Map<string, { timer: NodeJS.Timeout; changed: boolean }>()
  /** Newest heads heard of, so that a look tells only what was not heard. What is forgotten is told once more, which is harmless. */
  #heads = new Map<string, number>()
  #olderHeads = new Map<string, number>()
  #hasSeen = false

  constructor(limits: ChangesLimits) {
    this.#limits = limits
  }

  /** Announced: always a change, also with a head that is known. */
  hear(sessionId: string, head: number): void {
    this.#heads.set(sessionId, Math.max(head, this.#known(sessionId)))
    this.#change(sessionId)
  }

  /** What a look at the database has found, among it what was heard already. The first look only says where things stand. */
  see(changed: readonly { sessionId: string; head: number }[]): void {
    const news = changed.filter(({ sessionId, head }) => head > this.#known(sessionId))
    this.#olderHeads = this.#heads
    this.#heads = new Map(changed.map(({ sessionId, head }) => [sessionId, Math.max(head, this.#known(sessionId))]))
    if (this.#hasSeen) for (const { sessionId } of news) this.#change(sessionId)
    this.#hasSeen = true
  }

  stop(): void {
    for (const { timer } of this.#quiet.values()) clearTimeout(timer)
    this.#quiet.clear()
  }

  #known(sessionId: string): number {
    return Math.max(this.#heads.get(sessionId) ?? 0, this.#olderHeads.get(sessionId) ?? 0)
  }

  #change(sessionId: string): void {
    const quiet = this.#quiet.get(sessionId)
    if (quiet === undefined) this.#tell(sessionId)
    else quiet.changed = true
  }

  #tell(sessionId: string): void {
    const timer = setTimeout(() => {
      const changed = this.#quiet.get(sessionId)?.changed === true
      this.#quiet.delete(sessionId)
      if (changed) this.#tell(sessionId)
    }, this.#limits.quietMs)
    this.#quiet.set(sessionId, { timer, changed: false })
    for (const subscriber of this.subscribers) subscriber.takeChange(sessionId)
  }
}
