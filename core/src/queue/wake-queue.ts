/**
 * Owns the way of a wake from whoever committed to a worker. A wake is a hint (invariant 4): losing every job loses nothing, and a
 * second delivery claims nothing. Must never carry more than ids, never decide who runs, never fail a mutation.
 */
import type { Wake } from '../log/append-events.ts'

export type WakeJob = { tenantId: string; turnId: string }

export interface WakeQueue {
  /** Takes wakes after the commit and sends them in the background, merged; drops what it can't hold, for the sweep to send again. */
  send(wakes: readonly Wake[]): void
  /** Resolves when all that was taken has been sent or dropped. */
  flush(): Promise<void>
  /** Delivers the wakes of sessions without a sandbox, and of those whose sandbox this engine holds. */
  consume(options: { engineId: string | null; concurrency: number; onWake: (job: WakeJob) => Promise<void> }): Promise<WakeConsumer>
  close(): Promise<void>
}

export interface WakeConsumer {
  /** Takes no further jobs; resolves when those at hand are done. */
  stop(): Promise<void>
}
