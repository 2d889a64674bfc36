import { useQuery } from 'urql'
import { useSearchParams } from 'wouter'
import { useSignedIn } from '../api/session-of-tab.tsx'
import { TenantNamesDocument } from '../generated/graphql.ts'
import { ErrorNote } from './error-note.tsx'
import { SelectField } from './field.tsx'

/**
 * Whose things a page shows: one's own tenant's, or, for an operator, those of the tenant named in the address. `tenantId` is what
 * the API's arguments of that name take: nothing for anyone but an operator.
 */
export const useTenant = (): { tenantId: string | undefined; chosen: boolean; id: string | undefined } => {
  const { viewer } = useSignedIn()
  const [params] = useSearchParams()
  if (viewer.tenant) return { tenantId: undefined, chosen: true, id: viewer.tenant.id }
  const named = params.get('tenant') ?? undefined
  return { tenantId: named, chosen: named !== undefined, id: named }
}

/** An operator's choice of tenant; nothing for anybody else. */
export const TenantChoice = () => {
  const { viewer } = useSignedIn()
  const [params, setParams] = useSearchParams()
  const [{ data, error }] = useQuery({ query: TenantNamesDocument, pause: viewer.tenant !== null })
  if (viewer.tenant) return null
  if (error) return <ErrorNote error={error} />
  return (
    <SelectField label="Tenant" hideLabel value={params.get('tenant') ?? ''} onValue={(tenant) => setParams(tenant ? { tenant } : {})}>
      <option value="">Choose a tenant</option>
      {data?.tenants.edges.map(({ node }) => (
        <option key={node.id} value={node.id}>
          {node.name} ({node.slug})
        </option>
      ))}
    </SelectField>
  )
}
