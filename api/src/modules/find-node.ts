import { notFound } from '@longhaul/core/src/errors.ts'
import type { OwnedNoun, RequestContext, TenantReads } from '../context.ts'
import { parseEventId } from './events/events.ts'
import { loadOne } from './load-one.ts'

type Found = { __typename: string }
type Kind = { noun: OwnedNoun; find: (reads: TenantReads, id: string) => Promise<object> }

/** An id's prefix says what it is; whose it is, the tenant's own rows say. */
const KINDS: Record<string, Kind & { type: string }> = {
  key: { type: 'ApiKey', noun: 'API key', find: ({ load }, id) => loadOne(load.apiKey, 'API key', id) },
  agt: { type: 'Agent', noun: 'agent', find: ({ load }, id) => loadOne(load.agent, 'agent', id) },
  agv: { type: 'AgentVersion', noun: 'agent version', find: ({ load }, id) => loadOne(load.agentVersion, 'agent version', id) },
  env: { type: 'Environment', noun: 'environment', find: ({ load }, id) => loadOne(load.environment, 'environment', id) },
  evv: {
    type: 'EnvironmentVersion',
    noun: 'environment version',
    find: ({ load }, id) => loadOne(load.environmentVersion, 'environment version', id),
  },
  bld: {
    type: 'EnvironmentBuild',
    noun: 'environment build',
    find: ({ load }, id) => loadOne(load.environmentBuild, 'environment build', id),
  },
  ses: {
    type: 'Session',
    noun: 'session',
    find: async ({ tenantId, load }, id) => ({ id, tenantId, row: await loadOne(load.session, 'session', id) }),
  },
  thr: { type: 'Thread', noun: 'thread', find: ({ load }, id) => loadOne(load.thread, 'thread', id) },
  cnd: { type: 'DoneCondition', noun: 'done-condition', find: ({ load }, id) => loadOne(load.condition, 'done-condition', id) },
  ckp: { type: 'Checkpoint', noun: 'checkpoint', find: ({ load }, id) => loadOne(load.checkpoint, 'checkpoint', id) },
  evl: { type: 'Evaluation', noun: 'evaluation', find: ({ load }, id) => loadOne(load.evaluation, 'evaluation', id) },
  bgt: { type: 'Budget', noun: 'budget', find: ({ load }, id) => loadOne(load.budget, 'budget', id) },
}

/** Throws NOT_FOUND for an id that is nobody's, and for another tenant's. */
export const findNode = async (context: RequestContext, id: string): Promise<Found> => {
  const prefix = id.slice(0, 3)
  if (prefix === 'tnt') return { __typename: 'Tenant', ...(await loadOne(context.ownTenant(id).load.tenant, 'tenant', id)) }
  if (prefix === 'evt') return findEvent(context, id)
  const kind = KINDS[prefix]
  if (kind === undefined || id[3] !== '_') throw notFound('node', id)
  return { __typename: kind.type, ...(await kind.find(await context.locate(kind.noun, id), id)) }
}

const findEvent = async (context: RequestContext, id: string): Promise<Found> => {
  const named = parseEventId(id)
  if (named === null) throw notFound('event', id)
  const { tenantId, load } = await context.locate('session', named.sessionId)
  const row = await load.event.load(`${named.sessionId} ${named.seq}`)
  if (row === null) throw notFound('event', id)
  return { __typename: 'Event', ...{ tenantId, ...named, row } }
}
