import './keys.css'
import '../../components/fold-table.css'
import { useState } from 'react'
import { may } from '../../api/roles.ts'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { type Pages, usePages } from '../../api/use-pages.ts'
import { Button } from '../../components/button.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { OlderButton } from '../../components/older-button.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { SecretNote } from '../../components/secret-note.tsx'
import { TenantChoice, useTenant } from '../../components/tenant-choice.tsx'
import { ApiKeysDocument, type ApiKeysQuery } from '../../generated/graphql.ts'
import { type KeyRow, KeyTable } from './key-table.tsx'
import { NewKeyDialog } from './new-key-dialog.tsx'

const pick = ({ tenant }: ApiKeysQuery) => tenant?.apiKeys

export const KeysPage = () => {
  const { id, chosen } = useTenant()
  return (
    <div className="page">
      {chosen && id !== undefined ? (
        <KeysOf key={id} tenant={id} />
      ) : (
        <>
          <PageHead title="Keys">
            <TenantChoice />
          </PageHead>
          <EmptyState title="Whose keys?">
            <p>An operator belongs to no tenant. Choose one above to see its keys.</p>
          </EmptyState>
        </>
      )}
    </div>
  )
}

const KeysOf = ({ tenant }: { tenant: string }) => {
  const { viewer } = useSignedIn()
  const pages = usePages(ApiKeysDocument, { variables: { tenantId: tenant }, pick })
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<{ name: string; secret: string | null } | null>(null)
  const mayMake = may.setCaps(viewer.role)
  return (
    <>
      <PageHead title="Keys">
        <TenantChoice />
        {mayMake && (
          <Button kind="primary" onClick={() => setMaking(true)}>
            New key
          </Button>
        )}
      </PageHead>
      <p className="quiet">Who has a key may do what its role says. People sign in with one, and programs send one with each request.</p>
      {made && <SecretNote key={made.secret} title={`The key “${made.name}” is made`} secret={made.secret} onDone={() => setMade(null)} />}
      <KeyList pages={pages} />
      {making && (
        <NewKeyDialog
          tenantId={viewer.tenant ? null : tenant}
          onClose={() => setMaking(false)}
          onMade={(key) => {
            setMaking(false)
            setMade(key)
            pages.reload()
          }}
        />
      )}
    </>
  )
}

const KeyList = ({ pages }: { pages: Pages<KeyRow> }) => {
  const { viewer } = useSignedIn()
  const [showsAll, setShowsAll] = useState(false)
  if (pages.problem && pages.nodes === null) return <ErrorNote error={pages.problem} onRetry={pages.reload} />
  if (pages.nodes === null) return <p className="quiet">Reading the keys …</p>
  const revoked = pages.nodes.filter(({ revokedAt }) => revokedAt).length
  const shown = pages.nodes.filter(({ revokedAt }) => showsAll || !revokedAt)
  return (
    <>
      {pages.problem && <ErrorNote error={pages.problem} onRetry={pages.reload} />}
      {revoked > 0 && (
        <label className="row small">
          <input type="checkbox" checked={showsAll} onChange={() => setShowsAll(!showsAll)} /> Show revoked ({revoked})
        </label>
      )}
      {shown.length === 0 ? (
        <p className="quiet">There is no key that may be used.</p>
      ) : (
        <KeyTable rows={shown} mayRevoke={may.setCaps(viewer.role)} onRevoked={pages.reload} />
      )}
      <OlderButton pages={pages}>Show older keys</OlderButton>
    </>
  )
}
