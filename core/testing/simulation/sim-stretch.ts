/** What a simulated turn works with, and how it ends when it can't go on: worker/src/turn/stretch.ts and its neighbours, in small. */
import type { LogEvent, NewEvent } from '../../src/events/event.ts'
import { skipUndone } from '../../src/events/undone.ts'
import type { Append, AppendResult } from '../../src/log/append-events.ts'
import type { UnreadMessage } from '../../src/turns/view-turn.ts'
import type { Bugs } from './planted-bug.ts'
import type { Random } from './random.ts'
import type { SimModel } from './sim-model.ts'
import type { SimQueue } from './sim-queue.ts'
import type { SimSandbox } from './sim-sandbox.ts'
import { type SimClaim, type SimStore, statusOf } from './sim-store.ts'
import { SimWishes } from './sim-wishes.ts'

export type Steps<T> = Generator<number, T, void>

export type SimParts = {
  store: SimStore
  queue: SimQueue
  model: SimModel
  sandboxOf(sessionId: string): SimSandbox
  random: Random
  now(): number
  /** Ids in the order in which they are made, and the same in every run of a seed. */
  nextId(prefix: string): string
  bugs: Bugs
  /** While faults last, providers and checks may fail. */
  mayFail(): boolean
}

/** The claim is another's: the worker lets go without another word. */
export class ClaimLost extends Error {}

/** The database was asked and its answer never came: it may have done it, or not. */
export class Unheard extends Error {}

export type SimStretch = SimParts & {
  claim: SimClaim
  wishes: SimWishes
  events: LogEvent[]
  /** The sandbox that the log knew when the claim was taken, or that this stretch has recorded. */
  sandboxId: string | null
  unread: UnreadMessage[]
  append(
    events: NewEvent[],
    more?: Pick<Append, 'turn' | 'settle' | 'guard'>,
  ): Exclude<AppendResult, { refused: 'not_found' | 'stale_epoch' }>
}

const MAX_RETRIES = 4
/** How often the database's answer to an append is lost. */
const UNHEARD = 0.004

export const openStretch = (parts: SimParts, claim: SimClaim, wishes: SimWishes): SimStretch => {
  const { store, queue } = parts
  const stretch: SimStretch = {
    ...parts,
    claim,
    wishes,
    events: [...skipUndone(claim.session.log)],
    sandboxId: claim.session.fold.sandbox?.sandboxId ?? null,
    unread: [...claim.unread],
    append: (events, more = {}) => {
      const unheard = parts.mayFail() && parts.random.chance(UNHEARD)
      if (unheard && parts.random.chance(0.5)) throw new Unheard()
      const result = store.append({ sessionId: claim.session.id, epoch: claim.epoch, events, ...more })
      if (unheard) throw new Unheard()
      if (result.refused === 'stale_epoch' || result.refused === 'not_found') throw new ClaimLost()
      if (result.refused === 'control') wishes.tell(claim.session.control)
      if (result.refused === 'unread') stretch.unread = store.unread(claim.session)
      if (result.refused === undefined) {
        stretch.events.push(...claim.session.log.slice(result.first - 1, result.first - 1 + events.length))
        queue.send(result.wakes)
      }
      return result
    },
  }
  return stretch
}

/** Nothing is known of the last append: the turn comes back later, by the log or, where it can't be written, by letting go. */
export function* endBadly(parts: SimParts, claim: SimClaim): Steps<void> {
  yield parts.random.int(0, 5)
  try {
    retryLater(openStretch(parts, { ...claim, unread: parts.store.unread(claim.session) }, new SimWishes(null)))
  } catch (error) {
    if (error instanceof ClaimLost) throw error
    parts.queue.send(parts.store.release({ sessionId: claim.session.id, epoch: claim.epoch, dueInMs: 1_000 }))
  }
}

export const retryLater = (stretch: SimStretch): 'let_go' => {
  const { id: turnId, attempt } = stretch.claim.turn
  if (attempt >= MAX_RETRIES) {
    stretch.append([statusOf('PAUSED', 'RETRIES_EXHAUSTED')], { turn: { op: 'wait', turnId, reason: 'paused' } })
  } else {
    const error: NewEvent = { type: 'harness.error', actor: 'platform', payload: { turnId, next: 'retrying', message: 'overloaded' } }
    stretch.append([error], {
      turn: { op: 'delay', turnId, dueInMs: stretch.random.int(200, 3_000), attempt: attempt + 1, reason: 'retry' },
    })
  }
  return 'let_go'
}
