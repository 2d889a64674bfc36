import type { Resolvers } from '../../generated/resolver-types.ts'
import { readDiff } from '../files/read-diff.ts'
import { loadOne } from '../load-one.ts'
import type { ComparisonParent, ConditionRow } from '../parents.ts'
import { checkSessionId } from '../sessions/act.ts'
import { findCommonAncestor } from './find-common-ancestor.ts'

export const comparisonResolvers: Resolvers = {
  Query: {
    compareSessions: async (_, { a, b }, context): Promise<ComparisonParent> => {
      const { tenantId, load } = await context.locate('session', a)
      // Of the same tenant: another's is not found, for an operator too.
      const [left, right] = [await loadOne(load.session, 'session', a), await loadOne(load.session, 'session', checkSessionId(b))]
      return { tenantId, a: { id: a, tenantId, row: left }, b: { id: b, tenantId, row: right } }
    },
  },
  SessionComparison: {
    commonSeq: async ({ tenantId, a, b }, _, context) => (await findCommonAncestor(context.tenant(tenantId), a.id, b.id)).seq,
    commonAncestor: async ({ tenantId, a, b }, _, context) => {
      const reads = context.tenant(tenantId)
      const { checkpointId } = await findCommonAncestor(reads, a.id, b.id)
      return checkpointId === null ? null : reads.load.checkpoint.load(checkpointId)
    },
    conditions: async ({ tenantId, a, b }, _, context) => {
      const { conditionsOfSession } = context.tenant(tenantId).load
      return pairByName(await conditionsOfSession.load(a.id), await conditionsOfSession.load(b.id))
    },
    files: ({ tenantId, a, b }, args, context) =>
      readDiff(context, args, { tenantId, from: { sessionId: a.id, at: 'now' }, to: { sessionId: b.id, at: 'now' } }),
  },
}

const pairByName = (left: readonly ConditionRow[], right: readonly ConditionRow[]) => {
  const names = new Set([...left, ...right].map(({ name }) => name))
  const find = (rows: readonly ConditionRow[], name: string) => rows.find((row) => row.name === name) ?? null
  return [...names].map((name) => ({ name, a: find(left, name), b: find(right, name) }))
}
