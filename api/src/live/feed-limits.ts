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
