/** The provider's limit on tokens a minute: a bucket that refills steadily. A call is let in while it is not empty, and may overdraw it. */
export class RateLimit {
  #tokensPerMinute: number | null
  #level: number
  #atMs = 0

  constructor(tokensPerMinute: number | null) {
    this.#tokensPerMinute = tokensPerMinute
    this.#level = tokensPerMinute ?? 0
  }

  /** Null lifts the limit; a new one starts full. */
  set(tokensPerMinute: number | null): void {
    this.#tokensPerMinute = tokensPerMinute
    this.#level = tokensPerMinute ?? 0
  }

  /** Null when let in, else after how many whole seconds to come back. */
  secondsToWait(nowMs: number): number | null {
    const perMinute = this.#tokensPerMinute
    if (perMinute === null) return null
    this.#level = Math.min(perMinute, this.#level + (Math.max(0, nowMs - this.#atMs) * perMinute) / 60_000)
    this.#atMs = nowMs
    return this.#level > 0 ? null : Math.max(1, Math.ceil((-this.#level * 60) / perMinute))
  }

  spend(tokens: number): void {
    this.#level -= tokens
  }
}
