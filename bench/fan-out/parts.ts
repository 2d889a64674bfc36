import type { ClaimedSession } from '../platform/claimed-sessions.ts'

/** What the load generator is told. It appends `count` events, so many a second, to the sessions in turn. */
export type GeneratorTask = { databaseUrl: string; sessions: ClaimedSession[]; perSecond: number; count: number }
/** Of each event: its session's place in the list, its seq, and when its commit had returned. */
export type Commit = [session: number, seq: number, at: number]

/** What the subscribers are told: subscriber n watches session n modulo their number, from its newest event on. */
export type SubscribersTask = {
  url: string
  key: string
  sessions: { sessionId: string; head: number }[]
  subscribers: number
  perSession: number
}
/** Each subscriber's events as they came. `disorder` counts those that were not the one after the last. */
export type Received = { at: Float64Array; disorder: number }[]

/** Milliseconds on the machine's monotonic clock, which all processes share. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6
