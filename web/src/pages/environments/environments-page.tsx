import '../../components/fold-table.css'
import { Link } from 'wouter'
import { may } from '../../api/roles.ts'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { type Pages, usePages } from '../../api/use-pages.ts'
import { useArchivedChoice } from '../../components/archived-choice.tsx'
import { ButtonLink } from '../../components/button.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { OlderButton } from '../../components/older-button.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { TenantChoice, useTenant } from '../../components/tenant-choice.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { EnvironmentsDocument, type EnvironmentsQuery } from '../../generated/graphql.ts'
import { toSizeWords } from './environment-draft.ts'

type EnvironmentRow = EnvironmentsQuery['environments']['edges'][number]['node']

const pick = ({ environments }: EnvironmentsQuery) => environments

export const EnvironmentsPage = () => {
  const { viewer } = useSignedIn()
  const { tenantId, chosen } = useTenant()
  const pages = usePages(EnvironmentsDocument, { variables: { tenantId }, pick, pause: !chosen })
  return (
    <div className="page">
      <PageHead title="Environments">
        <TenantChoice />
        {may.administer(viewer.role) && (
          <ButtonLink kind="primary" href="/environments/new">
            New environment
          </ButtonLink>
        )}
      </PageHead>
      {chosen ? (
        <EnvironmentList pages={pages} mayMake={may.administer(viewer.role)} />
      ) : (
        <EmptyState title="Whose environments?">
          <p>An operator belongs to no tenant. Choose one above to see its environments.</p>
        </EmptyState>
      )}
    </div>
  )
}

const EnvironmentList = ({ pages, mayMake }: { pages: Pages<EnvironmentRow>; mayMake: boolean }) => {
  const { shown, choice } = useArchivedChoice(pages.nodes ?? [])
  if (pages.problem) return <ErrorNote error={pages.problem} onRetry={pages.reload} />
  if (pages.nodes === null) return <p className="quiet">Reading the environments …</p>
  if (pages.nodes.length === 0)
    return (
      <EmptyState title="No environments yet">
        <p>An environment says where an agent’s tools run: an image, its size, and what of the network they reach.</p>
        {mayMake && (
          <ButtonLink kind="primary" href="/environments/new">
            New environment
          </ButtonLink>
        )}
      </EmptyState>
    )
  return (
    <>
      {choice}
      <EnvironmentTable rows={shown} />
      <OlderButton pages={pages}>Show older environments</OlderButton>
    </>
  )
}

const EnvironmentTable = ({ rows }: { rows: EnvironmentRow[] }) =>
  rows.length === 0 ? (
    <p className="quiet">All environments are archived.</p>
  ) : (
    <div className="table-wrap">
      <table className="table fold-table">
        <caption className="only-heard">Environments, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Environment</th>
            <th scope="col">Image</th>
            <th scope="col">Size</th>
            <th scope="col">Version</th>
            <th scope="col">Changed</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, name, latest, archivedAt }) => (
            <tr key={id} data-faded={Boolean(archivedAt)}>
              <th scope="row">
                <Link href={`/environments/${id}`}>{name}</Link>
                {archivedAt && <span className="quiet small"> archived</span>}
              </th>
              <td data-label="Image" className="mono">
                {latest.image}
              </td>
              <td data-label="Size">{toSizeWords(latest)}</td>
              <td data-label="Version" className="number">
                {latest.version}
              </td>
              <td data-label="Changed">
                <span>
                  <TimeAgo iso={latest.createdAt} /> ago
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
