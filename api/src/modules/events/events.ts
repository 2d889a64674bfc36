import { notFound } from '@longhaul/core/src/errors.ts'
import type { RequestContext } from '../../context.ts'
import type { Resolvers } from '../../generated/resolver-types.ts'
import type { EventParent, EventRow } from '../parents.ts'

const rowOf = (parent: EventParent, context: RequestContext): EventRow | Promise<EventRow> => parent.row ?? loadRow(parent, context)

const loadRow = async ({ tenantId, sessionId, seq }: EventParent, context: RequestContext): Promise<EventRow> => {
  const row = await context.tenant(tenantId).load.event.load(`${sessionId} ${seq}`)
  if (row === null) throw notFound('event', toEventId(sessionId, seq))
  return row
}

const of =
  <T>(pick: (row: EventRow) => T) =>
  (parent: EventParent, _: unknown, context: RequestContext): T | Promise<T> => {
    const row = rowOf(parent, context)
    return row instanceof Promise ? row.then(pick) : pick(row)
  }

/** An event is named by its place in the log it is read through. */
export const toEventId = (sessionId: string, seq: number): string => `evt_${sessionId}_${seq}`

export const parseEventId = (id: string): { sessionId: string; seq: number } | null => {
  const [, sessionId, seq] = /^evt_(ses_[0-9a-z]{1,64})_(\d{1,9})$/.exec(id) ?? []
  return sessionId === undefined ? null : { sessionId, seq: Number(seq) }
}

export const eventResolvers: Resolvers = {
  Event: {
    id: ({ sessionId, seq }) => toEventId(sessionId, seq),
    type: of((row) => row.type),
    threadId: of((row) => row.threadId),
    actor: of((row) => row.actor),
    payload: of((row) => row.payload),
    hash: of((row) => row.hash),
    costUsd: of((row) => row.costNanos),
    createdAt: of((row) => row.createdAt),
  },
  SessionUpdate: { __resolveType: (update) => ('seq' in update ? 'Event' : 'Delta') },
}
