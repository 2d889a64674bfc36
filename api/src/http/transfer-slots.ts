import { PlatformError } from '@longhaul/core/src/errors.ts'

const RETRY_MS = 2_000

/** Bodies on their way, by tenant, at this process: so that one tenant's slow ones leave room for the others'. */
export class TransferSlots {
  readonly #most: number
  readonly #taken = new Map<string, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** Gives the way back, which counts once. Throws RATE_LIMITED. */
  take(tenantId: string): () => void {
    const taken = this.#taken.get(tenantId) ?? 0
    if (taken >= this.#most)
      throw new PlatformError('RATE_LIMITED', `${taken} uploads and downloads of this tenant are on their way: try again later.`, {
        retryAfterMs: RETRY_MS,
      })
    this.#taken.set(tenantId, taken + 1)
    let given = false
    return () => {
      if (given) return
      given = true
      const now = (this.#taken.get(tenantId) ?? 1) - 1
      if (now === 0) this.#taken.delete(tenantId)
      else this.#taken.set(tenantId, now)
    }
  }
}
