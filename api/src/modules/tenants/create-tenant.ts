import { answerOnce, OPERATOR_SCOPE } from '@longhaul/core/src/tenants/answer-once.ts'
import { createTenant } from '@longhaul/core/src/tenants/create-tenant.ts'
import { requireRole } from '@longhaul/core/src/tenants/role.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { CreateTenantInput } from '../../generated/resolver-types.ts'
import { idempotencyKey, label, optional, parseInput, wholeNumber } from '../../graphql/parse-input.ts'
import { loadOne } from '../load-one.ts'
import { retentionInput } from './retention-input.ts'

const SLUG = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

const input = z.object({
  slug: z.string().regex(SLUG, '1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end'),
  name: label(),
  maxConcurrentSessions: optional(wholeNumber(1, 100_000)),
  checkpointRetention: optional(retentionInput),
  idempotencyKey,
})

export const createTenantMutation = async (_: unknown, args: { input: CreateTenantInput }, context: RequestContext) => {
  requireRole(context.principal, 'OPERATOR')
  const { idempotencyKey: key, ...wanted } = parseInput(input, args.input)
  let adminKey: string | null = null
  const { answer } = await answerOnce<{ tenantId: string }>(
    context.parts.db,
    { scope: OPERATOR_SCOPE, mutation: 'createTenant', key, input: wanted },
    async (keep) => {
      const made = await createTenant(context.parts.db, wanted, keep)
      adminKey = made.adminKey
      return { tenantId: made.tenantId }
    },
  )
  return { tenant: await loadOne(context.tenant(answer.tenantId).load.tenant, 'tenant', answer.tenantId), adminKey }
}
