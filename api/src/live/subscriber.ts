import type { StreamedDelta } from '@longhaul/core/src/log/announcer.ts'
import type { FeedLimits } from './feed-limits.ts'
import { isStoredEvent, type SessionUpdate, type StoredEvent } from './session-update.ts'

/** What a subscriber needs of its session's reader. */
export interface LogSource {
  /** The newest event handed out to those who listen; every later one will be. Says nothing before `known`. */
  readonly position: number
  readonly known: Promise<void>
  /** At least one event, or none where the session is on its way out. */
  readPage(from: number): Promise<StoredEvent[]>
  /** Once the session has been looked at again; a session that is gone ends its subscribers before. */
  lookAgain(): Promise<void>
  leave(subscriber: Subscriber): void
}

type Pull = { resolve(result: IteratorResult<SessionUpdate, undefined>): void; reject(error: unknown): void }

const DELTA_OVERHEAD_BYTES = 300
const DONE: IteratorResult<SessionUpdate, undefined> = Object.freeze({ done: true, value: undefined })

/**
 * One who watches a session.
 *
 *   behind ──> joining ──> following
 *     ^           │            │
 *     └───────────┴────────────┘  too much waits, or an event is missing
 *
 * Behind, it reads pages, the next one only when it has given away the last. For what should be its last page it joins: what the
 * reader hands out meanwhile is set aside, and continues the page without a gap. Following, it gets the reader's own objects. In each
 * state an event is taken only when its seq is the next: so no mistake elsewhere can skip or repeat one.
 */
export class Subscriber implements AsyncIterableIterator<SessionUpdate, undefined> {
  readonly wantsDeltas: boolean
  readonly #source: LogSource
  readonly #limits: FeedLimits
  #state: 'behind' | 'joining' | 'following' | 'ended' = 'behind'
  #catchingUp = false
  /** Newest event given away, and newest one given away or waiting. */
  #delivered: number
  #last: number
  #waiting: SessionUpdate[] = []
  #waitingBytes = 0
  #aside: StoredEvent[] = []
  #pulls: Pull[] = []

  constructor(source: LogSource, limits: FeedLimits, { after, deltas }: { after: number; deltas: boolean }) {
    this.#source = source
    this.#limits = limits
    this.wantsDeltas = deltas
    this.#delivered = after
    this.#last = after
  }

  /** Whether what the reader hands out is of any use to it. */
  get attentive(): boolean {
    return this.#state === 'joining' || this.#state === 'following'
  }

  get waiting(): { events: number; bytes: number } {
    return { events: this.#waiting.length + this.#aside.length, bytes: this.#waitingBytes }
  }

  next(): Promise<IteratorResult<SessionUpdate, undefined>> {
    const update = this.#take()
    if (update !== undefined) return Promise.resolve({ done: false, value: update })
    if (this.#state === 'ended') return Promise.resolve(DONE)
    return new Promise((resolve, reject) => {
      this.#pulls.push({ resolve, reject })
      if (this.#state === 'behind') void this.#catchUp()
    })
  }

  /** At once, also while a `next` is open: it gets `done`. */
  return(): Promise<IteratorResult<SessionUpdate, undefined>> {
    this.end()
    return Promise.resolve(DONE)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** What waits is dropped: nobody may read it any more, or nobody wants to. An error is given to one open `next`, if there is any. */
  end(error?: unknown): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#dropWaiting()
    this.#source.leave(this)
    const pulls = this.#pulls
    this.#pulls = []
    if (error !== undefined) pulls.shift()?.reject(error)
    for (const pull of pulls) pull.resolve(DONE)
  }

  takeEvents(events: readonly StoredEvent[]): void {
    for (const event of events) {
      if (this.#state === 'joining') this.#setAside(event)
      else if (this.#state !== 'following') return
      else if (event.seq === this.#last + 1) this.#enqueue(event)
      else if (event.seq > this.#last) this.#fallBehind()
    }
  }

  takeDelta(delta: StreamedDelta): void {
    if (!this.wantsDeltas || this.#state !== 'following' || this.#waiting.length > this.#limits.waitingForDeltas) return
    this.#give(delta, toBytes(delta))
  }

  #enqueue(event: StoredEvent): void {
    this.#last = event.seq
    this.#give(event, event.bytes)
  }

  #give(update: SessionUpdate, bytes: number): void {
    const pull = this.#pulls.shift()
    if (pull !== undefined) {
      this.#noteDelivered(update)
      pull.resolve({ done: false, value: update })
      return
    }
    this.#waiting.push(update)
    this.#waitingBytes += bytes
    if (this.#state === 'following' && this.#isTooMuch(this.#waiting.length)) this.#fallBehind()
  }

  #take(): SessionUpdate | undefined {
    const update = this.#waiting.shift()
    if (update === undefined) return undefined
    this.#waitingBytes -= toBytes(update)
    this.#noteDelivered(update)
    return update
  }

  #noteDelivered(update: SessionUpdate): void {
    if (isStoredEvent(update)) this.#delivered = update.seq
  }

  #setAside(event: StoredEvent): void {
    this.#aside.push(event)
    this.#waitingBytes += event.bytes
    if (this.#isTooMuch(this.#aside.length)) this.#fallBehind()
  }

  #isTooMuch(events: number): boolean {
    return events > this.#limits.waitingEvents || this.#waitingBytes > this.#limits.waitingBytes
  }

  #fallBehind(): void {
    this.#state = 'behind'
    this.#dropWaiting()
    this.#last = this.#delivered
    if (this.#pulls.length > 0) void this.#catchUp()
  }

  #dropWaiting(): void {
    this.#waiting = []
    this.#aside = []
    this.#waitingBytes = 0
  }

  /** Reads pages until somebody's `next` is answered and nobody waits, or it follows. */
  async #catchUp(): Promise<void> {
    if (this.#catchingUp) return
    this.#catchingUp = true
    try {
      while (this.#state === 'behind' && this.#pulls.length > 0) await this.#readPage()
    } catch (error) {
      this.end(error)
    } finally {
      this.#catchingUp = false
    }
  }

  async #readPage(): Promise<void> {
    await this.#source.known
    if (this.#isEnded()) return
    if (this.#last >= this.#source.position) {
      this.#state = 'following'
      return
    }
    if (this.#source.position - this.#last < this.#limits.pageEvents) this.#state = 'joining'
    const page = await this.#source.readPage(this.#last + 1)
    if (this.#isEnded()) return
    this.#continueWith(page)
    if (page.length === 0) await this.#source.lookAgain()
  }

  #continueWith(page: readonly StoredEvent[]): void {
    const aside = this.#state === 'joining' ? this.#aside : null
    for (const event of this.#aside) this.#waitingBytes -= event.bytes
    this.#aside = []
    this.#state = 'behind'
    for (const event of page) if (event.seq === this.#last + 1) this.#enqueue(event)
    // A page shared with one who asked earlier may end before what was set aside begins: then one more page is needed.
    const next = aside?.find((event) => event.seq > this.#last)
    if (aside === null || (next?.seq ?? this.#source.position + 1) > this.#last + 1) return
    this.#state = 'following'
    this.takeEvents(aside)
  }

  #isEnded(): boolean {
    return this.#state === 'ended'
  }
}

const toBytes = (update: SessionUpdate): number => (isStoredEvent(update) ? update.bytes : update.text.length + DELTA_OVERHEAD_BYTES)
