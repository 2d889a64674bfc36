import './agents.css'
import { useState } from 'react'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { may } from '../../api/roles.ts'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { useAction } from '../../api/use-action.ts'
import { usePages } from '../../api/use-pages.ts'
import { ArchiveButton } from '../../components/archive-button.tsx'
import { ChangeForm } from '../../components/change-form.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { formatDateTime } from '../../components/format.ts'
import { PageHead } from '../../components/page-head.tsx'
import { VersionList } from '../../components/version-list.tsx'
import {
  AgentDocument,
  type AgentQuery,
  AgentVersionsDocument,
  type AgentVersionsQuery,
  ArchiveAgentDocument,
  UpdateAgentDocument,
} from '../../generated/graphql.ts'
import { Caps } from '../spend/caps.tsx'
import { type AgentDraft, toChanges, toDifferences, toDraft } from './agent-draft.ts'
import { AgentFacts } from './agent-facts.tsx'
import { AgentFields } from './agent-fields.tsx'

type AgentNode = Extract<NonNullable<AgentQuery['node']>, { latest: object }>

const pickVersions = ({ node }: AgentVersionsQuery) => (node && 'versions' in node ? node.versions : null)

export const AgentPage = ({ id }: { id: string }) => {
  const [{ data, error }, again] = useQuery({ query: AgentDocument, variables: { id }, requestPolicy: 'cache-and-network' })
  const reload = () => again({ requestPolicy: 'network-only' })
  const agent = data?.node && 'latest' in data.node ? data.node : null
  return (
    <div className="page">
      <Link href="/agents" className="small">
        Agents
      </Link>
      {error && <ErrorNote error={error} onRetry={reload} />}
      {!error && data && !agent && <EmptyState title="This is no agent" />}
      {!error && !data && <p className="quiet">Reading the agent …</p>}
      {agent && <Shown agent={agent} onChanged={reload} />}
    </div>
  )
}

type Props = { agent: AgentNode; onChanged: () => void }

const Shown = ({ agent, onChanged }: Props) => {
  const { viewer } = useSignedIn()
  const versions = usePages(AgentVersionsDocument, { variables: { id: agent.id }, pick: pickVersions })
  // Another start is another form.
  const [taken, setTaken] = useState<{ draft: AgentDraft; times: number }>()
  const changeable = may.administer(viewer.role) && !agent.archivedAt
  const take = (version: AgentNode['latest']) =>
    setTaken((last) => ({ draft: toDraft(agent.name, version), times: (last?.times ?? 0) + 1 }))
  return (
    <>
      <PageHead title={agent.name}>{changeable && <Archive agent={agent} onChanged={onChanged} />}</PageHead>
      {agent.archivedAt && (
        <p className="note">Archived on {formatDateTime(agent.archivedAt)}: no new session may use it; those that do go on.</p>
      )}
      <div className="definition-page">
        <section className="card stack" aria-labelledby="newest">
          <h2 id="newest">Version {agent.latest.version}</h2>
          {changeable ? (
            <Change
              key={taken?.times}
              agent={agent}
              start={taken?.draft ?? null}
              onChanged={() => {
                onChanged()
                versions.reload()
              }}
            />
          ) : (
            <AgentFacts version={agent.latest} />
          )}
        </section>
        <div className="stack">
          <VersionList
            pages={versions}
            differencesOf={toDifferences}
            show={(version) => <AgentFacts version={version} />}
            onTake={changeable ? take : undefined}
          />
          <Caps title="Caps of this agent" scope="AGENT" scopeId={agent.id} budgets={agent.budgets} onChanged={onChanged} />
        </div>
      </div>
    </>
  )
}

const Change = ({ agent, start, onChanged }: Props & { start: AgentDraft | null }) => {
  const { run, ...update } = useAction(UpdateAgentDocument)
  return (
    <ChangeForm
      {...{ thing: agent, start, toDraft, toChanges, onChanged }}
      {...update}
      fields={(wiring) => <AgentFields {...wiring} />}
      save={async (changes, expectedVersion) => {
        const done = await run({ input: { id: agent.id, expectedVersion, ...changes } })
        return done?.updateAgent.agent ?? null
      }}
    />
  )
}

const Archive = ({ agent, onChanged }: Props) => {
  const { run, busy, problem } = useAction(ArchiveAgentDocument)
  const archive = async () => {
    const done = await run({ input: { id: agent.id } })
    if (done) onChanged()
    return done !== null
  }
  return <ArchiveButton what="agent" name={agent.name} archive={archive} busy={busy} error={problem} />
}
