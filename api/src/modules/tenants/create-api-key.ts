import { answerOnce } from '@longhaul/core/src/tenants/answer-once.ts'
import { createApiKey } from '@longhaul/core/src/tenants/create-api-key.ts'
import { requireRole } from '@longhaul/core/src/tenants/role.ts'
import { z } from 'zod'
import type { RequestContext } from '../../context.ts'
import type { CreateApiKeyInput } from '../../generated/resolver-types.ts'
import { idempotencyKey, label, optional, parseInput } from '../../graphql/parse-input.ts'
import { loadOne } from '../load-one.ts'

const input = z.object({
  name: label(),
  role: z.enum(['ADMIN', 'MEMBER', 'VIEWER'], { error: 'ADMIN, MEMBER or VIEWER: an operator belongs to no tenant' }),
  expiresAt: optional(z.date().refine((date) => date.getTime() > Date.now(), 'in the future')),
  idempotencyKey,
})

export const createApiKeyMutation = async (_: unknown, args: { input: CreateApiKeyInput }, context: RequestContext) => {
  requireRole(context.principal, 'ADMIN')
  const { tenantId, load } = context.ownTenant(args.input.tenantId)
  const { idempotencyKey: key, ...wanted } = parseInput(input, args.input)
  let secret: string | null = null
  const { answer } = await answerOnce<{ keyId: string }>(
    context.parts.db,
    { scope: tenantId, mutation: 'createApiKey', key, input: wanted },
    async (keep) => {
      const made = await createApiKey(context.parts.db, { tenantId, ...wanted }, keep)
      secret = made.secret
      return { keyId: made.keyId }
    },
  )
  return { apiKey: await loadOne(load.apiKey, 'API key', answer.keyId), secret }
}
