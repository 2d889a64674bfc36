/**
 * Owns one stretch of a turn: from the claim to the moment the worker lets go. Must never remember anything past it (invariant 5) and
 * never write but through the claim's epoch (invariant 2).
 */

import type { SnapshotStore } from '@longhaul/core/src/checkpoints/snapshot-store.ts'
import type { EventOf, LogEvent, NewEvent } from '@longhaul/core/src/events/event.ts'
import type { Announcer } from '@longhaul/core/src/log/announcer.ts'
import {
  type Append,
  type AppendResult,
  appendEvents,
  type Settlement,
  type TurnMove,
  type Wake,
} from '@longhaul/core/src/log/append-events.ts'
import { readContext } from '@longhaul/core/src/log/read-events.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { WakeQueue } from '@longhaul/core/src/queue/wake-queue.ts'
import type { ClaimedTurn } from '@longhaul/core/src/turns/claim-turn.ts'
import { readControl, readUnread } from '@longhaul/core/src/turns/read-wishes.ts'
import type { UnreadMessage } from '@longhaul/core/src/turns/view-turn.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { Model } from '../models/model.ts'
import type { SandboxPool } from '../sandboxes/sandbox-pool.ts'
import type { Tool } from '../tools/tool.ts'
import type { WatchedSessions } from '../watched-sessions.ts'
import type { Wishes } from './wishes.ts'

/** What a turn needs from outside; `main.ts` chooses. */
export type TurnParts = {
  db: Database
  announcer: Announcer
  queue: WakeQueue
  model: Model
  sandboxes: SandboxPool
  snapshots: SnapshotStore
  tools: ReadonlyMap<string, Tool>
  logger: Logger
  watched: WatchedSessions
  /** The image of environments that name none. */
  defaultImage: string
  limits: TurnLimits
  /** Called at each named point, so that a test can kill the process there. */
  atPoint: (point: CrashPoint) => void | Promise<void>
}

export type TurnLimits = {
  maxOutputTokens: number
  minOutputTokens: number
  maxRetries: number
  retryBaseMs: number
  retryMaxMs: number
  maxToolOutputBytes: number
}

/** Where a worker may die, in the order of a turn. Fault tests kill it at each of them. */
export const CRASH_POINTS = [
  'before_claim',
  'after_claim',
  'before_reservation',
  'after_reservation',
  'before_request',
  'mid_stream',
  'after_stream',
  'after_answer',
  'after_call_logged',
  'mid_call',
  'after_call',
  'after_result',
  'before_evaluation',
  'mid_evaluation',
  'after_verdict',
  'before_terminal',
  'after_terminal',
] as const
export type CrashPoint = (typeof CRASH_POINTS)[number]

/** The claim is another's, or the session is gone: the worker lets go without another word. */
export class ClaimLostError extends Error {
  constructor(refusal: string) {
    super(`the claim is lost: ${refusal}`)
  }
}

/** The turn's own view of its session while it holds the claim. */
export type Stretch = {
  parts: TurnParts
  claim: ClaimedTurn
  wishes: Wishes
  /** The thread's context, kept up to date with what this stretch appends. */
  events: LogEvent[]
  unread: UnreadMessage[]
  append(
    events: NewEvent[],
    more?: { turn?: TurnMove; settle?: Settlement; guard?: Append['guard'] },
  ): Promise<Extract<AppendResult, { head: number }> | { refused: 'unread' | 'control' | 'conditions' }>
  /** Reads anew what people may have added since the claim: events and unread messages. */
  refresh(): Promise<void>
  send(wakes: readonly Wake[]): void
}

export const openStretch = async (parts: TurnParts, claim: ClaimedTurn, wishes: Wishes): Promise<Stretch> => {
  const { tenantId, session, thread } = claim
  const readEvents = () => readContext(parts.db, { tenantId, sessionId: session.id, threadId: thread.id, fromSeq: thread.contextFromSeq })
  const events = await readEvents()
  const stretch: Stretch = {
    parts,
    claim,
    wishes,
    events,
    unread: [...claim.unread],
    refresh: async () => {
      // Unread first: a message that comes in between is in the log by then, and is read at the next chance.
      stretch.unread = await readUnread(parts.db, { tenantId, sessionId: session.id, threadId: thread.id })
      stretch.events = await readEvents()
    },
    send: (wakes) => parts.queue.send(wakes),
    append: async (newEvents, more = {}) => {
      const result = await appendEvents(parts.db, {
        tenantId,
        sessionId: session.id,
        threadId: thread.id,
        epoch: claim.epoch,
        events: newEvents,
        ...more,
      })
      if (result.refused !== undefined) {
        if (result.refused === 'control') wishes.tell(await readControl(parts.db, tenantId, session.id))
        if (result.refused === 'unread')
          stretch.unread = await readUnread(parts.db, { tenantId, sessionId: session.id, threadId: thread.id })
        if (result.refused === 'unread' || result.refused === 'control' || result.refused === 'conditions')
          return { refused: result.refused }
        throw new ClaimLostError(result.refused)
      }
      stretch.events.push(...newEvents.map((event, index) => toLogEvent(event, { seq: result.first + index, threadId: thread.id })))
      parts.announcer.announceHead({ tenantId, sessionId: session.id, head: result.head })
      parts.queue.send(result.wakes)
      return result
    },
  }
  return stretch
}

/** The last append's seq of one type: a call's number in the sandbox. */
export const lastOf = <T extends LogEvent['type']>(stretch: Stretch, type: T): EventOf<T> => {
  const event = stretch.events.findLast((item) => item.type === type)
  if (event === undefined) throw new Error(`no ${type} in this stretch`)
  return event as EventOf<T>
}

const toLogEvent = (event: NewEvent, at: { seq: number; threadId: string }): LogEvent =>
  ({
    ...at,
    type: event.type,
    actor: event.actor,
    payload: { ...event.payload, v: 1 },
    costNanos: event.costNanos ?? null,
    createdAt: new Date(),
  }) as LogEvent
