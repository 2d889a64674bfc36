// local/session owns the terminal's view of a session: a client of the public API like any other. It must never read the database.

/** What `sessionEvents` sends, as the public schema names it. */
export type SessionEvent = {
  __typename: 'Event'
  seq: number
  type: string
  payload: unknown
  costUsd: string | null
  createdAt: string
}
export type SessionDelta = {
  __typename: 'Delta'
  turnId: string
  attempt: number
  block: number
  offset: number
  kind: string
  text: string
}
export type SessionUpdate = SessionEvent | SessionDelta

/** Statuses in which nothing more comes until somebody does something. */
export const RESTING_STATUSES = ['IDLE', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELED']
