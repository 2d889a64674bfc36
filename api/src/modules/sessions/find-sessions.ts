import { notFound } from '@longhaul/core/src/errors.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { QuerySessionsArgs } from '../../generated/resolver-types.ts'
import { ID_KEY, parsePage, toConnection } from '../../graphql/connection.ts'
import { isId, label, optional, parseInput } from '../../graphql/parse-input.ts'
import type { SessionRow } from '../parents.ts'

const filter = z.object({
  status: optional(z.array(z.string()).max(20, 'at most 20 statuses')),
  search: optional(label(200)),
})

/** Newest first. `search` finds words of the title or prompt, in any case. */
export const findSessions = async (_: unknown, args: QuerySessionsArgs, context: RequestContext) => {
  const page = parsePage(args, { isKey: ID_KEY })
  const { tenantId, read } = context.ownTenant(args.tenantId)
  const { status, search } = parseInput(filter, { status: args.status, search: args.search }, 'sessions')
  if (args.agentId != null && !isId(args.agentId)) throw notFound('agent', args.agentId)
  const contains = search === null ? null : { contains: search.replace(/[\\%_]/g, '\\$&'), mode: 'insensitive' as const }
  const rows = await read((prisma) =>
    prisma.session.findMany({
      where: {
        tenantId,
        deletedAt: null,
        ...(page.after === null ? {} : { id: { lt: page.after } }),
        ...(status === null ? {} : { status: { in: status } }),
        ...(args.agentId == null ? {} : { agentId: args.agentId }),
        ...(contains === null ? {} : { OR: [{ title: contains }, { prompt: contains }] }),
      },
      orderBy: { id: 'desc' },
      take: page.size + 1,
    }),
  )
  return toConnection(rows as SessionRow[], page, { key: (row) => row.id, node: (row) => ({ id: row.id, tenantId, row }) })
}
