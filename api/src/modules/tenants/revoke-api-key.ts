import { revokeApiKey } from '@longhaul/core/src/tenants/revoke-api-key.ts'
import { requireRole } from '@longhaul/core/src/tenants/role.ts'
import type { RequestContext } from '../../context.ts'
import type { RevokeApiKeyInput } from '../../generated/resolver-types.ts'
import { loadOne } from '../load-one.ts'

export const revokeApiKeyMutation = async (_: unknown, { input }: { input: RevokeApiKeyInput }, context: RequestContext) => {
  requireRole(context.principal, 'ADMIN')
  const { tenantId, load } = await context.locate('API key', input.id)
  await revokeApiKey(context.parts.db, { tenantId, keyId: input.id })
  context.parts.keyring.forget()
  return { apiKey: await loadOne(load.apiKey, 'API key', input.id) }
}
