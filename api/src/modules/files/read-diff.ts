import { notFound } from '@longhaul/core/src/errors.ts'
import { askForDiff, type DiffSide } from '@longhaul/core/src/files/ask-for-diff.ts'
import type { RequestContext } from '../../context.ts'
import { type PageArgs, parsePage, toConnection } from '../../graphql/connection.ts'
import { isId } from '../../graphql/parse-input.ts'

export const PATH_KEY = /^\/workspace\//

/** One page of what differs between two workspaces. */
export const readDiff = async (
  context: RequestContext,
  args: PageArgs,
  { tenantId, from, to }: { tenantId: string; from: DiffSide; to: DiffSide },
) => {
  const page = parsePage(args, { size: 50, isKey: PATH_KEY })
  for (const { at } of [from, to]) if (typeof at === 'object' && !isId(at.checkpointId)) throw notFound('checkpoint', at.checkpointId)
  const { changes, more } = await askForDiff(context.parts, {
    tenantId: context.tenant(tenantId).tenantId,
    from,
    to,
    page: { after: page.after, first: page.size },
  })
  return toConnection(changes, page, { key: ({ path }) => path, node: (change) => change, more })
}
