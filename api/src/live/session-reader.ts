import type { StreamedDelta } from '@longhaul/core/src/log/announcer.ts'
import type { StoredEvent } from './session-update.ts'
import type { LogSource, Subscriber } from './subscriber.ts'

export type ReaderParts = {
  /** At once for what is new, in turn with others for who catches up. */
  readPage: (from: number, urgency: 'new' | 'old') => Promise<StoredEvent[]>
  lookAtHead: (reader: SessionReader) => void
  onUnread: (error: unknown) => void
  onEmpty: (reader: SessionReader) => void
}

/** Turns whose answer is in the log; their late deltas are dropped. More than a session ever has open at once. */
const REMEMBERED_TURNS = 256

/**
 * Reads one session's log, once for all who watch it in this process: each new event is read once, and the same object goes to all.
 * Keeps no events. `advance` may be told the same head twice, or a late one, or none for a while.
 */
export class SessionReader implements LogSource {
  readonly tenantId: string
  readonly sessionId: string
  readonly known: Promise<void>
  readonly #parts: ReaderParts
  readonly #subscribers = new Set<Subscriber>()
  readonly #pages = new Map<number, Promise<StoredEvent[]>>()
  readonly #answeredTurns = new Set<string>()
  #setKnown = () => {}
  #isKnown = false
  #ended = false
  #position = 0
  #head = 0
  #reading = false
  #lookers: (() => void)[] = []

  constructor(parts: ReaderParts, of: { tenantId: string; sessionId: string }) {
    this.#parts = parts
    this.tenantId = of.tenantId
    this.sessionId = of.sessionId
    this.known = new Promise((resolve) => {
      this.#setKnown = resolve
    })
  }

  get position(): number {
    return this.#position
  }

  get isKnown(): boolean {
    return this.#isKnown
  }

  get wantsDeltas(): boolean {
    for (const subscriber of this.#subscribers) if (subscriber.wantsDeltas) return true
    return false
  }

  get subscribers(): ReadonlySet<Subscriber> {
    return this.#subscribers
  }

  join(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber)
  }

  leave(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber)
    if (this.#subscribers.size === 0) this.#parts.onEmpty(this)
  }

  /** The session's head as the database has it, asked for its tenant: it exists, and may be read. */
  confirm(head: number): void {
    if (!this.#isKnown) {
      this.#isKnown = true
      this.#position = head
      this.#setKnown()
    }
    this.#answerLookers()
    this.advance(head)
  }

  /** There is more to read, or perhaps there is not. */
  advance(head: number): void {
    this.#head = Math.max(this.#head, head)
    if (this.#isKnown && !this.#reading && this.#position < this.#head) void this.#readOn()
  }

  takeDelta(delta: StreamedDelta): void {
    if (this.#answeredTurns.has(delta.turnId)) return
    for (const subscriber of this.#subscribers) subscriber.takeDelta(delta)
  }

  /** The session is gone, or the process goes. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#isKnown = false
    for (const subscriber of this.#subscribers) subscriber.end()
    this.#setKnown()
    this.#answerLookers()
  }

  lookAgain(): Promise<void> {
    return new Promise((resolve) => {
      this.#lookers.push(resolve)
      this.#parts.lookAtHead(this)
    })
  }

  /** Whoever wants the same page at the same time shares it. */
  readPage(from: number): Promise<StoredEvent[]> {
    return this.#pages.get(from) ?? this.#share(from, 'old')
  }

  #share(from: number, urgency: 'new' | 'old'): Promise<StoredEvent[]> {
    const page = this.#parts.readPage(from, urgency).then((events) => {
      this.#noteAnswers(events)
      return events
    })
    this.#pages.set(from, page)
    const forget = () => {
      if (this.#pages.get(from) === page) this.#pages.delete(from)
    }
    page.then(forget, forget)
    return page
  }

  async #readOn(): Promise<void> {
    this.#reading = true
    try {
      while (this.#isKnown && this.#position < this.#head) {
        // Those who are all behind read for themselves, each at its own pace.
        if (!this.#isHeard()) {
          this.#position = this.#head
          return
        }
        const events = await this.#share(this.#position + 1, 'new')
        const last = events.at(-1)
        if (last === undefined) return
        this.#position = last.seq
        for (const subscriber of this.#subscribers) subscriber.takeEvents(events)
      }
    } catch (error) {
      // The next announcement or look at the heads tries again.
      this.#parts.onUnread(error)
    } finally {
      this.#reading = false
    }
  }

  #isHeard(): boolean {
    for (const subscriber of this.#subscribers) if (subscriber.attentive) return true
    return false
  }

  #noteAnswers(events: readonly StoredEvent[]): void {
    for (const { type, payload } of events) {
      if (type !== 'agent.message' && type !== 'agent.compacted') continue
      const { turnId } = payload as { turnId?: string }
      if (turnId === undefined) continue
      this.#answeredTurns.add(turnId)
      if (this.#answeredTurns.size <= REMEMBERED_TURNS) continue
      for (const oldest of this.#answeredTurns) {
        this.#answeredTurns.delete(oldest)
        break
      }
    }
  }

  #answerLookers(): void {
    const lookers = this.#lookers
    this.#lookers = []
    for (const answer of lookers) answer()
  }
}
