import { PlatformError } from '@longhaul/core/src/errors.ts'

type Pull = { resolve(result: IteratorResult<string, undefined>): void; reject(error: unknown): void }

const DONE: IteratorResult<string, undefined> = Object.freeze({ done: true, value: undefined })

/** One who watches a tenant's sessions. A session waits for it once, however often it changes; who reads it then reads its newest state. */
export class ChangeSubscriber implements AsyncIterableIterator<string, undefined> {
  readonly #maxWaiting: number
  readonly #leave: (subscriber: ChangeSubscriber) => void
  readonly #waiting = new Set<string>()
  #pulls: Pull[] = []
  #ended = false
  #error: unknown

  constructor(maxWaiting: number, leave: (subscriber: ChangeSubscriber) => void) {
    this.#maxWaiting = maxWaiting
    this.#leave = leave
  }

  get waiting(): number {
    return this.#waiting.size
  }

  next(): Promise<IteratorResult<string, undefined>> {
    for (const sessionId of this.#waiting) {
      this.#waiting.delete(sessionId)
      return Promise.resolve({ done: false, value: sessionId })
    }
    if (this.#error !== undefined) {
      const error = this.#error
      this.#error = undefined
      return Promise.reject(error)
    }
    if (this.#ended) return Promise.resolve(DONE)
    return new Promise((resolve, reject) => this.#pulls.push({ resolve, reject }))
  }

  /** At once, also while a `next` is open: it gets `done`. */
  return(): Promise<IteratorResult<string, undefined>> {
    this.end()
    return Promise.resolve(DONE)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  takeChange(sessionId: string): void {
    if (this.#ended) return
    const pull = this.#pulls.shift()
    if (pull !== undefined) {
      pull.resolve({ done: false, value: sessionId })
      return
    }
    this.#waiting.add(sessionId)
    if (this.#waiting.size <= this.#maxWaiting) return
    // Nobody has asked for the next one for long: the error waits until somebody does.
    this.end()
    this.#error = new PlatformError('RATE_LIMITED', 'This subscription reads too slowly: subscribe again, and read `sessions` again.', {
      retryAfterMs: 1_000,
    })
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#waiting.clear()
    this.#leave(this)
    const pulls = this.#pulls
    this.#pulls = []
    for (const pull of pulls) pull.resolve(DONE)
  }
}
