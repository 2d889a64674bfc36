import type { LogEvent, NewEvent } from '@longhaul/core/src/events/event.ts'
import type { Settlement } from '@longhaul/core/src/log/append-events.ts'

/**
 * What a turn has decided and will write with whatever it writes next: each write is a round trip and a sync, and a turn's steps come in
 * pairs. It stands in the turn's own view at once, under numbers that hold until the log has given it its own. Only for what the very
 * next step writes: a process that dies in between has lost it.
 */
export class HeldEvents {
  #events: NewEvent[] = []
  #views: LogEvent[] = []
  #settle: Settlement | undefined

  get events(): readonly NewEvent[] {
    return this.#events
  }

  /** What a model call cost, which goes with its answer. */
  get settle(): Settlement | undefined {
    return this.#settle
  }

  get isEmpty(): boolean {
    return this.#events.length === 0
  }

  /** `views` are the events as the turn sees them. */
  hold(events: readonly NewEvent[], views: readonly LogEvent[], settle?: Settlement): void {
    this.#events.push(...events)
    this.#views.push(...views)
    this.#settle ??= settle
  }

  /** They are in the log, from `first` on. */
  written(first: number): void {
    for (const [index, view] of this.#views.entries()) view.seq = first + index
    this.clear()
  }

  clear(): void {
    this.#events = []
    this.#views = []
    this.#settle = undefined
  }
}
