/**
 * Owns the way of a wake from whoever committed to a worker. A wake is a hint (invariant 4): losing every job loses nothing, and a
 * second delivery claims nothing. Must never carry more than ids, never decide who runs, never fail a mutation.
 */
import type { Wake } from '../log/append-events.ts'

export type WakeJob = { tenantId: string; turnId: string }

/** A wake that was heard of ahead of its job. */
export type WakeHint = WakeJob & { engineId: string | null }

export interface WakeQueue {
  /** Takes wakes after the commit and sends them in the background, merged; drops what it can't hold, for the sweep to send again. */
  send(wakes: readonly Wake[]): void
  /** Resolves when all that was taken has been sent or dropped. */
  flush(): Promise<void>
  /**
   * Delivers the wakes of sessions without a sandbox, and of those whose sandbox this engine holds. A wake that `takesHint` says yes to
   * may come as soon as it was sent, ahead of its job, which is delivered all the same; only one consumer should say yes. None comes
   * while all places are taken: nobody overtakes who waits in the queue.
   */
  consume(options: {
    engineId: string | null
    concurrency: number
    onWake: (job: WakeJob) => Promise<void>
    takesHint?: (hint: WakeHint) => boolean
  }): Promise<WakeConsumer>
  close(): Promise<void>
}

export interface WakeConsumer {
  /** Takes no further jobs; resolves when those at hand are done. */
  stop(): Promise<void>
}
