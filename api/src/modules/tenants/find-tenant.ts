import { badInput, notFound } from '@longhaul/core/src/errors.ts'
import type { RequestContext } from '../../context.ts'
import { isId } from '../../graphql/parse-input.ts'
import { loadOne } from '../load-one.ts'
import type { TenantRow } from '../parents.ts'

/** By id or by slug. Anyone but an operator finds only its own: the rest do not exist. */
export const findTenant = async (
  context: RequestContext,
  { id, slug }: { id?: string | null; slug?: string | null },
): Promise<TenantRow> => {
  if ((id == null) === (slug == null)) throw badInput(id == null ? 'id' : 'slug', 'given, or the other one: exactly one of id and slug')
  const wanted = id ?? (await findIdBySlug(context, slug as string))
  if (wanted === null || !isId(wanted)) throw notFound('tenant', id ?? (slug as string))
  return loadOne(context.tenant(wanted).load.tenant, 'tenant', wanted)
}

const findIdBySlug = async ({ principal, parts, tenant }: RequestContext, slug: string): Promise<string | null> => {
  if (principal.tenantId !== null) {
    const own = await tenant(principal.tenantId).load.tenant.load(principal.tenantId)
    return own?.slug === slug ? own.id : null
  }
  if (slug.includes('\0') || !slug.isWellFormed()) return null
  const found = await parts.db.systemPrisma.tenant.findUnique({ where: { slug }, select: { id: true } })
  return found?.id ?? null
}
