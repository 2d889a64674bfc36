import { notFound } from '@longhaul/core/src/errors.ts'
import type { RequestContext, TenantReads } from '../../context.ts'
import type { BudgetRow } from '../parents.ts'

/** The tenant that a budget's scope lies in. */
export const locateScope = async (context: RequestContext, scope: BudgetRow['scope'], scopeId: string): Promise<TenantReads> => {
  if (scope === 'AGENT') return context.locate('agent', scopeId)
  if (scope === 'SESSION') return context.locate('session', scopeId)
  const tenant = context.ownTenant(scopeId)
  if ((await tenant.load.tenant.load(scopeId)) === null) throw notFound('tenant', scopeId)
  return tenant
}
