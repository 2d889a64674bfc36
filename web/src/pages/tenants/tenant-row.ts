import type { TenantsQuery } from '../../generated/graphql.ts'

/** A tenant as the list has it. */
export type TenantRow = TenantsQuery['tenants']['edges'][number]['node']
