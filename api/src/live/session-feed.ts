/**
 * Owns what the two subscriptions read from: the logs of watched sessions (here), and which sessions of a tenant change
 * (session-changes.ts). Knows no transport. Must never decide who may watch: that is asked before `subscribe`, though the database
 * shows another tenant's session to nobody.
 *
 * createSessionFeed  → subscribe({ tenantId, sessionId, after, deltas }): the log from just after `after`, stored events first, then
 *                      what comes, each once and in order; between them deltas. `return()` unsubscribes at once; a deleted session
 *                      ends it; a failed read of the log rejects `next`, and the client comes again with the last seq it has seen.
 * createFrameCache   → frameOf(update, key, make): what a transport sends for an update, made once for all who share the update.
 */
import type { Announcer } from '@longhaul/core/src/log/announcer.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { Database } from '@longhaul/prisma/src/client.ts'
import { FEED_LIMITS, type FeedLimits } from './feed-limits.ts'
import { limitConcurrency } from './limit-concurrency.ts'
import { readHeads, readLogPage } from './read-log.ts'
import { createNewPageReader } from './read-new-pages.ts'
import { SessionReader } from './session-reader.ts'
import type { SessionUpdate } from './session-update.ts'
import { startListening } from './start-listening.ts'
import { Subscriber } from './subscriber.ts'

export type SessionFeedParts = { db: Pick<Database, 'app' | 'system'>; announcer: Announcer; logger: Logger }

export type WatchSession = { tenantId: string; sessionId: string; after: number; deltas: boolean }

export type FeedStats = {
  /** Sessions with a reader, and those who watch them. */
  sessions: number
  subscribers: number
  /** Those who get what comes; the others catch up from the log. */
  following: number
  waitingUpdates: number
  waitingBytes: number
}

export type SessionFeed = {
  subscribe(watch: WatchSession): AsyncIterableIterator<SessionUpdate, undefined>
  stats(): FeedStats
  close(): void
}

export const createSessionFeed = ({ db, announcer, logger }: SessionFeedParts, limits: FeedLimits = FEED_LIMITS): SessionFeed => {
  /** By tenant and session: who names another tenant's session gets a reader that sees nothing, and spoils nobody's. */
  const readers = new Map<string, SessionReader>()
  /** By session alone, once the database has said whose it is: deltas name no tenant. */
  const confirmed = new Map<string, SessionReader>()
  const toLookAt = new Set<SessionReader>()
  const readNewPage = createNewPageReader(db, limits)
  const inTurn = limitConcurrency(limits.pagesAtOnce)
  let looking = false
  let closed = false

  const open = (key: string, { tenantId, sessionId }: WatchSession): SessionReader => {
    const readPage = (from: number) => readLogPage(db, { tenantId, sessionId, from, events: limits.pageEvents, bytes: limits.pageBytes })
    const reader = new SessionReader(
      {
        readPage: (from, urgency) => (urgency === 'new' ? readNewPage({ tenantId, sessionId, from }) : inTurn(() => readPage(from))),
        lookAtHead: (one) => lookAtHeads([one]),
        onUnread: (error) => logger.warn({ err: error, sessionId }, 'new events could not be read, and are read later'),
        onEmpty: () => {
          readers.delete(key)
          toLookAt.delete(reader)
          if (confirmed.get(sessionId) === reader) confirmed.delete(sessionId)
          reader.end()
        },
      },
      { tenantId, sessionId },
    )
    readers.set(key, reader)
    lookAtHeads([reader])
    return reader
  }

  /** One query for all who ask before it is sent; who asks meanwhile is in the next. */
  const lookAtHeads = (asked: Iterable<SessionReader>): void => {
    for (const reader of asked) toLookAt.add(reader)
    if (!looking && !closed && toLookAt.size > 0) void look()
  }

  const look = async (): Promise<void> => {
    looking = true
    try {
      await Promise.resolve()
      while (toLookAt.size > 0) {
        const batch = [...toLookAt]
        toLookAt.clear()
        const heads = await readHeads(
          db,
          batch.map(({ sessionId }) => sessionId),
        )
        for (const reader of batch) {
          const head = heads.get(reader.sessionId)
          if (head === undefined || head.tenantId !== reader.tenantId) reader.end()
          else if (reader.subscribers.size > 0) confirm(reader, head.head)
        }
      }
    } catch (error) {
      logger.warn({ err: error }, 'the heads of watched sessions could not be read, and are read later')
    } finally {
      looking = false
    }
  }

  const confirm = (reader: SessionReader, head: number): void => {
    const isNew = !reader.isKnown
    reader.confirm(head)
    if (!isNew) return
    confirmed.set(reader.sessionId, reader)
    if (reader.wantsDeltas) announcer.announceWatched([reader.sessionId])
  }

  const lookAtAll = () => lookAtHeads(readers.values())
  const lookTimer = setInterval(lookAtAll, limits.lookMs)
  const watchedTimer = setInterval(() => {
    const watched = [...confirmed.values()].filter((reader) => reader.wantsDeltas)
    if (watched.length > 0) announcer.announceWatched(watched.map(({ sessionId }) => sessionId))
  }, limits.watchedMs)
  const stopListening = startListening(announcer, logger, {
    onHead: ({ tenantId, sessionId, head }) => readers.get(toKey(tenantId, sessionId))?.advance(head),
    onDelta: (delta) => confirmed.get(delta.sessionId)?.takeDelta(delta),
    onGap: lookAtAll,
  })

  return {
    subscribe: (watch) => {
      const key = toKey(watch.tenantId, watch.sessionId)
      const reader = readers.get(key) ?? open(key, watch)
      const tellsWorkers = watch.deltas && reader.isKnown && !reader.wantsDeltas
      const subscriber = new Subscriber(reader, limits, watch)
      reader.join(subscriber)
      if (closed) subscriber.end()
      else if (tellsWorkers) announcer.announceWatched([watch.sessionId])
      return subscriber
    },
    stats: () => {
      const subscribers = [...readers.values()].flatMap((reader) => [...reader.subscribers])
      const waiting = subscribers.map((subscriber) => subscriber.waiting)
      return {
        sessions: readers.size,
        subscribers: subscribers.length,
        following: subscribers.filter((subscriber) => subscriber.attentive).length,
        waitingUpdates: waiting.reduce((sum, { events }) => sum + events, 0),
        waitingBytes: waiting.reduce((sum, { bytes }) => sum + bytes, 0),
      }
    },
    close: () => {
      closed = true
      clearInterval(lookTimer)
      clearInterval(watchedTimer)
      stopListening()
      for (const reader of [...readers.values()]) reader.end()
    },
  }
}

const toKey = (tenantId: string, sessionId: string): string => `${tenantId} ${sessionId}`
