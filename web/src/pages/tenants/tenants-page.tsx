import './tenants.css'
import '../../components/fold-table.css'
import { useMemo, useState } from 'react'
import { may } from '../../api/roles.ts'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { usePages } from '../../api/use-pages.ts'
import { Button } from '../../components/button.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { OlderButton } from '../../components/older-button.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { SecretNote } from '../../components/secret-note.tsx'
import { TenantsDocument, type TenantsQuery } from '../../generated/graphql.ts'
import { toMonth } from './month.ts'
import { type MadeTenant, NewTenantDialog } from './new-tenant-dialog.tsx'
import { TenantTable } from './tenant-table.tsx'

const pick = ({ tenants }: TenantsQuery) => tenants

export const TenantsPage = () => {
  const { viewer } = useSignedIn()
  return (
    <div className="page">
      {may.operate(viewer.role) ? (
        <Tenants />
      ) : (
        <>
          <PageHead title="Tenants" />
          <EmptyState title="For operators">
            <p>Tenants are made and limited by the operator of this platform.</p>
          </EmptyState>
        </>
      )}
    </div>
  )
}

const Tenants = () => {
  const month = useMemo(() => toMonth(Date.now()), [])
  const pages = usePages(TenantsDocument, { variables: month, pick })
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<MadeTenant | null>(null)
  return (
    <>
      <PageHead title="Tenants">
        <Button kind="primary" onClick={() => setMaking(true)}>
          New tenant
        </Button>
      </PageHead>
      {made && (
        <>
          <SecretNote
            key={made.id}
            title={`The tenant “${made.name}” is made; its first admin key`}
            secret={made.adminKey}
            onDone={() => setMade(null)}
          />
          {made.capProblem && <ErrorNote error={{ ...made.capProblem, message: `Its cap was not set. ${made.capProblem.message}` }} />}
        </>
      )}
      {pages.problem && <ErrorNote error={pages.problem} onRetry={pages.reload} />}
      {pages.nodes === null && !pages.problem && <p className="quiet">Reading the tenants …</p>}
      {pages.nodes?.length === 0 && (
        <EmptyState title="No tenants yet">
          <p>A tenant is a customer organisation. It owns agents, environments, sessions and keys, and sees nobody else’s.</p>
          <Button kind="primary" onClick={() => setMaking(true)}>
            New tenant
          </Button>
        </EmptyState>
      )}
      {pages.nodes && pages.nodes.length > 0 && <TenantTable rows={pages.nodes} onChanged={pages.reload} />}
      <OlderButton pages={pages}>Show older tenants</OlderButton>
      {making && (
        <NewTenantDialog
          onClose={() => setMaking(false)}
          onMade={(tenant) => {
            setMaking(false)
            setMade(tenant)
            pages.reload()
          }}
        />
      )}
    </>
  )
}
