/** What bounds a process that serves subscriptions. */
export type FeedLimits = {
  pageEvents: number
  pageBytes: number
  waitingEvents: number
  waitingBytes: number
  waitingForDeltas: number
  pagesAtOnce: number
  lookMs: number
  watchedMs: number
}

export const FEED_LIMITS: FeedLimits = {
  /** A page of the stored log. A subscriber that catches up holds at most one, so 1,000 that never read on hold 1 GB at worst. */
  pageEvents: 500,
  pageBytes: 1024 * 1024,
  /** What may wait for a subscriber that follows; above it drops what waits, and catches up from the log at its own pace. */
  waitingEvents: 1_000,
  waitingBytes: 8 * 1024 * 1024,
  /** A subscriber with more than this before it gets no deltas until it has read on. */
  waitingForDeltas: 100,
  /** Pages read at once by all who catch up: of the pool's 16 connections the others stay for mutations and for those who follow. */
  pagesAtOnce: 4,
  /** How late an event whose announcement was lost may be. */
  lookMs: 1_000,
  /** How often workers are told who is watched; a worker that hears nothing for some times that long sends no more deltas. */
  watchedMs: 5_000,
}

export type ChangesLimits = { quietMs: number; waitingSessions: number; lookMs: number; restFactor: number; lookBackMs: number }

export const CHANGES_LIMITS: ChangesLimits = {
  /** A session is told at most once in this time, and once more at its end if it changed meanwhile. */
  quietMs: 250,
  /** Different sessions that may wait for a subscriber that does not read: then it is told to come again. */
  waitingSessions: 10_000,
  /** How late a change whose announcement was lost may be. */
  lookMs: 1_000,
  /**
   * A look takes 1/restFactor of the time at most: it reads every session of the watched tenants. An index on the time of the last
   * change would make each append write to it.
   */
  restFactor: 50,
  /** A change is stamped before it is committed: how far before the last look the next one begins. */
  lookBackMs: 5_000,
}
