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
import { AgentsDocument, type AgentsQuery } from '../../generated/graphql.ts'

type AgentRow = AgentsQuery['agents']['edges'][number]['node']

const pick = ({ agents }: AgentsQuery) => agents

export const AgentsPage = () => {
  const { viewer } = useSignedIn()
  const { tenantId, chosen } = useTenant()
  const pages = usePages(AgentsDocument, { variables: { tenantId }, pick, pause: !chosen })
  return (
    <div className="page">
      <PageHead title="Agents">
        <TenantChoice />
        {may.administer(viewer.role) && (
          <ButtonLink kind="primary" href="/agents/new">
            New agent
          </ButtonLink>
        )}
      </PageHead>
      {chosen ? (
        <AgentList pages={pages} mayMake={may.administer(viewer.role)} />
      ) : (
        <EmptyState title="Whose agents?">
          <p>An operator belongs to no tenant. Choose one above to see its agents.</p>
        </EmptyState>
      )}
    </div>
  )
}

const AgentList = ({ pages, mayMake }: { pages: Pages<AgentRow>; mayMake: boolean }) => {
  const { shown, choice } = useArchivedChoice(pages.nodes ?? [])
  if (pages.problem) return <ErrorNote error={pages.problem} onRetry={pages.reload} />
  if (pages.nodes === null) return <p className="quiet">Reading the agents …</p>
  if (pages.nodes.length === 0)
    return (
      <EmptyState title="No agents yet">
        <p>An agent says who works: a model, instructions, and which tools it may use. Sessions are given to agents.</p>
        {mayMake && (
          <ButtonLink kind="primary" href="/agents/new">
            New agent
          </ButtonLink>
        )}
      </EmptyState>
    )
  return (
    <>
      {choice}
      <AgentTable rows={shown} />
      <OlderButton pages={pages}>Show older agents</OlderButton>
    </>
  )
}

const AgentTable = ({ rows }: { rows: AgentRow[] }) =>
  rows.length === 0 ? (
    <p className="quiet">All agents are archived.</p>
  ) : (
    <div className="table-wrap">
      <table className="table fold-table">
        <caption className="only-heard">Agents, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Agent</th>
            <th scope="col">Model</th>
            <th scope="col">Version</th>
            <th scope="col">Changed</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, name, latest, archivedAt }) => (
            <tr key={id} data-faded={Boolean(archivedAt)}>
              <th scope="row">
                <Link href={`/agents/${id}`}>{name}</Link>
                {archivedAt && <span className="quiet small"> archived</span>}
              </th>
              <td data-label="Model" className="mono">
                {latest.model}
              </td>
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
