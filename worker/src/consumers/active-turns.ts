/**
 * Owns how wakes, leases and wishes reach running turns. Must never decide what a turn does, and never hold a turn whose lease is
 * gone.
 */
import type { HeldClaim } from '@longhaul/core/src/turns/leases.ts'
import type { Wishes } from '../turn/wishes.ts'

export type ActiveTurn = {
  tenantId: string
  sessionId: string
  threadId: string
  turnId: string
  epoch: number
  wishes: Wishes
  startedAt: number
}

/** The turns this process runs at this moment, by thread. */
export class ActiveTurns {
  readonly #byThread = new Map<string, ActiveTurn>()
  readonly #claiming = new Set<{ turnId: string }>()

  /** A claim is being asked for: until the function that this returns is called, nobody takes it for one that nobody runs. */
  beginClaim(turnId: string): () => void {
    const asked = { turnId }
    this.#claiming.add(asked)
    return () => void this.#claiming.delete(asked)
  }

  add(turn: ActiveTurn): void {
    this.#byThread.set(turn.threadId, turn)
  }

  remove(turn: ActiveTurn): void {
    if (this.#byThread.get(turn.threadId) === turn) this.#byThread.delete(turn.threadId)
  }

  get size(): number {
    return this.#byThread.size
  }

  all(): ActiveTurn[] {
    return [...this.#byThread.values()]
  }

  ofSession(sessionId: string): ActiveTurn[] {
    return this.all().filter((turn) => turn.sessionId === sessionId)
  }

  /**
   * What the lease's renewal says: wishes are told, and what is no longer ours is lost. A claim or a wish younger than the question is left alone (`askedAt`: performance.now()).
   * Returns what the database says we hold and nobody here runs: the answer to its claim was lost, or its turn ended without a word.
   */
  reconcile(claims: readonly HeldClaim[], askedAt: number): HeldClaim[] {
    const held = new Map(claims.map((claim) => [claim.threadId, claim]))
    for (const turn of this.all()) {
      const claim = held.get(turn.threadId)
      if (claim?.epoch === turn.epoch) {
        // Read before the turn obeyed, an old wish would stop what it has begun since.
        if (claim.control !== turn.wishes.control() && turn.wishes.changedAt() < askedAt) turn.wishes.tell(claim.control)
      } else if (turn.startedAt < askedAt) {
        turn.wishes.lose("the claim is another's")
      }
    }
    const claiming = new Set([...this.#claiming].map(({ turnId }) => turnId))
    return claims.filter(({ threadId, turnId, epoch }) => this.#byThread.get(threadId)?.epoch !== epoch && !claiming.has(turnId))
  }

  loseAll(reason: string): void {
    for (const turn of this.all()) turn.wishes.lose(reason)
  }
}
