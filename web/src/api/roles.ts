import type { Role } from '../generated/graphql.ts'

/** What a role may do: only decides what is shown; the api decides what is done. */
export const may = {
  /** Create sessions, send messages, pause, resume, cancel, evaluate. */
  work: (role: Role): boolean => role === 'MEMBER' || role === 'ADMIN',
  /** Agents, environments, waivers. */
  administer: (role: Role): boolean => role === 'ADMIN',
  /** Budgets and keys: a tenant's admin for its own, the operator for all. */
  setCaps: (role: Role): boolean => role === 'ADMIN' || role === 'OPERATOR',
  /** Tenants. */
  operate: (role: Role): boolean => role === 'OPERATOR',
}
