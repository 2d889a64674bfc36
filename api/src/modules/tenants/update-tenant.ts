import { notFound } from '@longhaul/core/src/errors.ts'
import { requireRole } from '@longhaul/core/src/tenants/role.ts'
import { updateTenant } from '@longhaul/core/src/tenants/update-tenant.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { UpdateTenantInput } from '../../generated/resolver-types.ts'
import { isId, label, optional, parseInput, wholeNumber } from '../../graphql/parse-input.ts'
import { loadOne } from '../load-one.ts'
import { retentionInput } from './retention-input.ts'

const input = z.object({
  id: z.string(),
  name: optional(label()),
  status: optional(z.enum(['ACTIVE', 'SUSPENDED'])),
  maxConcurrentSessions: optional(wholeNumber(1, 100_000)),
  checkpointRetention: optional(retentionInput),
})

export const updateTenantMutation = async (_: unknown, args: { input: UpdateTenantInput }, context: RequestContext) => {
  requireRole(context.principal, 'OPERATOR')
  const change = parseInput(input, args.input)
  if (!isId(change.id)) throw notFound('tenant', change.id)
  await updateTenant(context.parts.db, change)
  return { tenant: await loadOne(context.tenant(change.id).load.tenant, 'tenant', change.id) }
}
