import { PlatformError } from '../errors.ts'

export const ROLES = ['VIEWER', 'MEMBER', 'ADMIN', 'OPERATOR'] as const
export type Role = (typeof ROLES)[number]

/** Who asks. Only an operator belongs to no tenant. */
export type Principal =
  | { keyId: string; role: 'OPERATOR'; tenantId: null }
  | { keyId: string; role: Exclude<Role, 'OPERATOR'>; tenantId: string }

/** The actor of what the operator does when its key comes from the environment and has no row. */
export const OPERATOR_KEY_ID = 'operator'

export const hasRole = (principal: Principal, atLeast: Role): boolean => ROLES.indexOf(principal.role) >= ROLES.indexOf(atLeast)

export const requireRole = (principal: Principal, atLeast: Role): void => {
  if (!hasRole(principal, atLeast)) throw new PlatformError('FORBIDDEN', `This needs the role ${atLeast}; the key has ${principal.role}.`)
}

/** For what is done inside a tenant. An operator is not inside any, so its key can't do it, whatever it may read. */
export const requireMember = (principal: Principal, atLeast: Exclude<Role, 'OPERATOR'>): { tenantId: string; keyId: string } => {
  if (principal.role === 'OPERATOR')
    throw new PlatformError('FORBIDDEN', 'This is done with a key of the tenant; an operator belongs to none.')
  requireRole(principal, atLeast)
  return { tenantId: principal.tenantId, keyId: principal.keyId }
}
