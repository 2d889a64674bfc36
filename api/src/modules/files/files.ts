import { notFound } from '@longhaul/core/src/errors.ts'
import { askForFiles } from '@longhaul/core/src/files/ask-for-files.ts'
import type { Resolvers } from '../../generated/resolver-types.ts'
import { parsePage, toConnection } from '../../graphql/connection.ts'
import { PATH_KEY, readDiff } from './read-diff.ts'

const atCheckpoint = (checkpointId: string | null | undefined) => (checkpointId == null ? null : { checkpointId })

/** What lies in a session's workspace now, as its sandbox says: the agent's own word. */
export const fileResolvers: Resolvers = {
  Session: {
    files: async ({ id: sessionId, tenantId }, args, context) => {
      const page = parsePage(args, { size: 200, isKey: PATH_KEY })
      const answer = await askForFiles(context.parts, {
        tenantId: context.tenant(tenantId).tenantId,
        sessionId,
        op: 'list',
        path: args.path,
        checkpointId: args.checkpointId ?? null,
      })
      if (answer === null || !('entries' in answer)) throw notFound('folder', args.path)
      const { after } = page
      const rows = answer.entries.filter(({ path }) => after === null || path > after).slice(0, page.size + 1)
      return toConnection(rows, page, {
        key: (entry) => entry.path,
        node: (entry) => ({ ...entry, modifiedAt: new Date(entry.modifiedAt) }),
      })
    },
    file: async ({ id: sessionId, tenantId }, { path, checkpointId = null }, context) => {
      const look = { tenantId: context.tenant(tenantId).tenantId, sessionId, op: 'read' as const, path, checkpointId }
      const answer = await askForFiles(context.parts, look)
      return answer !== null && 'file' in answer ? answer.file : null
    },
    diff: ({ id: sessionId, tenantId }, { fromCheckpointId, toCheckpointId, ...args }, context) =>
      readDiff(context, args, {
        tenantId,
        from: { sessionId, at: atCheckpoint(fromCheckpointId) ?? 'start' },
        to: { sessionId, at: atCheckpoint(toCheckpointId) ?? 'now' },
      }),
  },
}
