/**
 * Owns one stretch of a turn: from the claim to the moment the worker lets go. Must never remember anything past it (invariant 5) and
 * never write but through the claim's epoch (invariant 2).
 */

import type { SnapshotStore } from '@longhaul/core/src/checkpoints/snapshot-store.ts'
import type { EventOf, LogEvent, NewEvent } from '@longhaul/core/src/events/event.ts'
import type { Announcer } from '@longhaul/core/src/log/announcer.ts'
import type { Append, AppendResult, Settlement, TurnMove, Wake } from '@longhaul/core/src/log/append-events.ts'
import { readContext } from '@longhaul/core/src/log/read-events.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { WakeQueue } from '@longhaul/core/src/queue/wake-queue.ts'
import type { ClaimedTurn } from '@longhaul/core/src/turns/claim-turn.ts'
import { readControl, readUnread } from '@longhaul/core/src/turns/read-wishes.ts'
import type { UnreadMessage } from '@longhaul/core/src/turns/view-turn.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import type { CheckpointDesk } from '../checkpoints/checkpoint-desk.ts'
import type { CheckpointCrashPoint } from '../checkpoints/crash-points.ts'
import type { BuildCrashPoint } from '../environments/crash-points.ts'
import { appendCounted } from '../metrics/count-turns.ts'
import type { Model } from '../models/model.ts'
import type { SandboxPool } from '../sandboxes/sandbox-pool.ts'
import type { WarmPool } from '../sandboxes/warm-pool.ts'
import type { Tool } from '../tools/tool.ts'
import type { WatchedSessions } from '../watched-sessions.ts'
import { HeldEvents } from './held-events.ts'
import type { Wishes } from './wishes.ts'

/** What a turn needs from outside; `main.ts` chooses. */
export type TurnParts = {
  db: Database
  announcer: Announcer
  queue: WakeQueue
  model: Model
  sandboxes: SandboxPool
  warm: WarmPool
  checkpoints: CheckpointDesk
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
/** `sandbox_made`: one is the session's, and the log does not know it. `upload_placed`: an upload is in the sandbox, and its event is not written. */
export type CrashPoint = (typeof CRASH_POINTS)[number] | CheckpointCrashPoint | BuildCrashPoint | 'sandbox_made' | 'upload_placed'

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
  ): Promise<Extract<AppendResult, { head: number }> | { refused: 'unread' | 'control' | 'conditions' | 'budget' }>
  /** Lets the very next write take these with it. With `settle`, which only one may bring, an answer: see held-events.ts. */
  hold(events: NewEvent[], settle?: Settlement): void
  /** Writes what is held by itself, because what comes next takes a while. */
  flush(): Promise<void>
  held: HeldEvents
  /** What was held is in the log. */
  wroteHeld(at: { first: number; head: number }): void
  /** Reads anew what people may have added since the claim: events and unread messages. */
  refresh(): Promise<void>
  send(wakes: readonly Wake[]): void
}

export const openStretch = (parts: TurnParts, claim: ClaimedTurn, wishes: Wishes): Stretch => {
  const { tenantId, session, thread } = claim
  const of = { tenantId, sessionId: session.id, threadId: thread.id }
  const held = new HeldEvents()
  /** An append that failed may have been committed all the same: what was held would be written twice. Whoever goes on reads the log anew. */
  let unheard: unknown = null
  const stretch: Stretch = {
    parts,
    claim,
    wishes,
    events: [...claim.events],
    unread: [...claim.unread],
    held,
    refresh: async () => {
      // Unread first: a message that comes in between is in the log by then, and is read at the next chance.
      stretch.unread = await readUnread(parts.db, of)
      stretch.events = await readContext(parts.db, { ...of, fromSeq: thread.contextFromSeq })
    },
    send: (wakes) => parts.queue.send(wakes),
    hold: (events, settle) => {
      const from = (stretch.events.at(-1)?.seq ?? 0) + 1
      const views = events.map((event, index) => toLogEvent(event, { seq: from + index, threadId: thread.id }))
      stretch.events.push(...views)
      held.hold(events, views, settle)
    },
    wroteHeld: ({ first, head }) => {
      held.written(first)
      parts.announcer.announceHead({ tenantId, sessionId: session.id, head })
    },
    flush: async () => {
      if (!held.isEmpty) await stretch.append([])
    },
    append: async (newEvents, more = {}) => {
      if (unheard !== null) throw unheard
      const { guard, turn, settle = held.settle } = more
      // What is held may be the reading of the very messages that the guard asks for.
      if (guard?.unread !== undefined && held.settle === undefined) await stretch.flush()
      const answers = held.settle !== undefined
      const results = held.events.some(({ type }) => type === 'agent.tool_result')
      const result = await appendCounted(parts.db, {
        ...of,
        epoch: claim.epoch,
        events: [...held.events, ...newEvents],
        ...(guard === undefined ? {} : { guard }),
        ...(turn === undefined ? {} : { turn }),
        ...(settle === undefined ? {} : { settle }),
      }).catch((error: unknown) => {
        unheard = error
        throw error
      })
      if (result.refused !== undefined) {
        if (result.refused === 'control') wishes.tell(await readControl(parts.db, tenantId, session.id))
        if (result.refused === 'unread') stretch.unread = await readUnread(parts.db, of)
        if (result.refused === 'not_found' || result.refused === 'stale_epoch') throw new ClaimLostError(result.refused)
        return { refused: result.refused }
      }
      const from = result.first + held.events.length
      stretch.wroteHeld(result)
      stretch.events.push(...newEvents.map((event, index) => toLogEvent(event, { seq: from + index, threadId: thread.id })))
      parts.queue.send(result.wakes)
      if (answers) await parts.atPoint('after_answer')
      if (results) await parts.atPoint('after_result')
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
