import type { SnapshotStore } from '@longhaul/core/src/checkpoints/snapshot-store.ts'
import { notFound, PlatformError } from '@longhaul/core/src/errors.ts'
import type { FileLimits } from '@longhaul/core/src/files/file-limits.ts'
import type { Logger } from '@longhaul/core/src/logger.ts'
import type { Caller, CoreParts } from '@longhaul/core/src/sessions/change-session.ts'
import type { GitAccess } from '@longhaul/core/src/sessions/resolve-git-ref.ts'
import type { Keyring } from '@longhaul/core/src/tenants/keyring.ts'
import { type Principal, type Role, requireMember } from '@longhaul/core/src/tenants/role.ts'
import { isId } from './graphql/parse-input.ts'
import { createLoaders, type TenantLoaders } from './loaders.ts'
import { createTenantReader, type TenantReader } from './tenant-reader.ts'

/** What the api is made of, the same for all requests. */
export type ApiParts = CoreParts & { keyring: Keyring; logger: Logger; git: GitAccess; snapshots: SnapshotStore; files: FileLimits }

/** One tenant as one request sees it. */
export type TenantReads = { tenantId: string; read: TenantReader; load: TenantLoaders }

/** Tables by which an operator finds whose an id is. */
const OWNED = {
  session: 'session',
  agent: 'agent',
  'agent version': 'agent_version',
  environment: 'environment',
  'environment version': 'environment_version',
  'environment build': 'environment_build',
  thread: 'thread',
  'done-condition': 'condition',
  evaluation: 'evaluation',
  checkpoint: 'checkpoint',
  budget: 'budget',
  'API key': 'api_key',
} as const
export type OwnedNoun = keyof typeof OWNED

/** Who asks, and what this request has read so far. Made anew for each request and for each answer of a subscription. */
export type RequestContext = {
  parts: ApiParts
  principal: Principal
  /** For what is done inside a tenant. Throws FORBIDDEN for a lower role, and for an operator. */
  caller(atLeast: Exclude<Role, 'OPERATOR'>): Caller
  /** Throws NOT_FOUND for a tenant that is not the caller's. */
  tenant(tenantId: string): TenantReads
  /** The tenant of a list: the caller's own, or the one that an operator names. */
  ownTenant(tenantId: string | null | undefined): TenantReads
  /** The tenant that an id belongs to: the caller's own, whatever the id; for an operator it is looked up. */
  locate(noun: OwnedNoun, id: string): Promise<TenantReads>
}

export const createContext = (parts: ApiParts, principal: Principal): RequestContext => {
  const tenants = new Map<string, TenantReads>()

  const tenant = (tenantId: string): TenantReads => {
    if (principal.tenantId !== null && principal.tenantId !== tenantId) throw notFound('tenant', tenantId)
    const known = tenants.get(tenantId)
    if (known !== undefined) return known
    const read = createTenantReader(parts.db, tenantId)
    const reads = { tenantId, read, load: createLoaders(read, tenantId) }
    tenants.set(tenantId, reads)
    return reads
  }

  return {
    parts,
    principal,
    caller: (atLeast) => requireMember(principal, atLeast),
    tenant,
    ownTenant: (tenantId) => {
      const named = tenantId ?? principal.tenantId
      if (named === null)
        throw new PlatformError('BAD_USER_INPUT', 'An operator belongs to no tenant: name one.', {
          field: 'tenantId',
          reason: 'the id of a tenant',
        })
      if (!isId(named)) throw notFound('tenant', named)
      return tenant(named)
    },
    locate: async (noun, id) => {
      if (!isId(id)) throw notFound(noun, id)
      if (principal.tenantId !== null) return tenant(principal.tenantId)
      const { rows } = await parts.db.system.query<{ tenant_id: string | null }>(`select tenant_id from ${OWNED[noun]} where id = $1`, [id])
      const owner = rows[0]?.tenant_id ?? null
      if (owner === null) throw notFound(noun, id)
      return tenant(owner)
    },
  }
}
