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

  /** What the lease's renewal says: wishes are told, and what is no longer ours is lost. A claim younger than the question is left alone. */
  reconcile(claims: readonly HeldClaim[], askedAt: number): void {
    const held = new Map(claims.map((claim) => [claim.threadId, claim]))
    for (const turn of this.all()) {
      const claim = held.get(turn.threadId)
      if (claim?.epoch === turn.epoch) {
        if (claim.control !== turn.wishes.control()) turn.wishes.tell(claim.control)
      } else if (turn.startedAt < askedAt) {
        turn.wishes.lose("the claim is another's")
      }
    }
  }

  loseAll(reason: string): void {
    for (const turn of this.all()) turn.wishes.lose(reason)
  }
}
