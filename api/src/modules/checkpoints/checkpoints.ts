import type { RequestContext } from '../../context.ts'
import type { Resolvers } from '../../generated/resolver-types.ts'
import { ID_KEY, parsePage, toConnection } from '../../graphql/connection.ts'
import { loadOne } from '../load-one.ts'
import { pageOf } from '../page-of.ts'
import type { CheckpointRow } from '../parents.ts'
import { createCheckpointMutation } from './create-checkpoint.ts'
import { forkSessionMutation } from './fork-session.ts'
import { rewindSessionMutation } from './rewind-session.ts'

const snapshotOf = ({ snapshotId, tenantId }: CheckpointRow, context: RequestContext) =>
  snapshotId === null ? null : context.tenant(tenantId).load.snapshot.load(snapshotId)

export const checkpointResolvers: Resolvers = {
  Mutation: { createCheckpoint: createCheckpointMutation, forkSession: forkSessionMutation, rewindSession: rewindSessionMutation },
  Session: {
    checkpoints: async ({ id, tenantId }, args, context) => {
      const page = parsePage(args, { size: 50, isKey: ID_KEY })
      const rows = await pageOf<CheckpointRow>(context.tenant(tenantId), 'checkpoint', { page, id })
      return toConnection(rows, page, { key: (row) => row.id, node: (row) => row })
    },
    forkedFrom: async ({ id, tenantId, row }, _, context) => {
      const { load } = context.tenant(tenantId)
      const { forkedFromId } = row ?? (await loadOne(load.session, 'session', id))
      return forkedFromId === null ? null : load.checkpoint.load(forkedFromId)
    },
    forks: async ({ id, tenantId }, args, context) => {
      const page = parsePage(args, { size: 50, isKey: ID_KEY })
      const rows = await pageOf<{ id: string; tenantId: string }>(context.tenant(tenantId), 'fork', { page, id })
      return toConnection(rows, page, { key: (row) => row.id, node: (row) => ({ id: row.id, tenantId: row.tenantId }) })
    },
  },
  Checkpoint: {
    session: ({ sessionId, tenantId }) => ({ id: sessionId, tenantId }),
    workspaceDigest: async (row, _, context) => (await snapshotOf(row, context))?.digest ?? null,
    sizeBytes: async (row, _, context) => Number((await snapshotOf(row, context))?.sizeBytes ?? 0),
  },
}
