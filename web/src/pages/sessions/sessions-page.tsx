import './sessions.css'
import { useDeferredValue, useEffect, useState } from 'react'
import { useQuery } from 'urql'
import { useSearchParams } from 'wouter'
import { may } from '../../api/roles.ts'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { Button, ButtonLink } from '../../components/button.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { SelectField, TextField } from '../../components/field.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { TenantChoice, useTenant } from '../../components/tenant-choice.tsx'
import { AgentNamesDocument, type SessionStatus } from '../../generated/graphql.ts'
import { SessionsTable } from './sessions-table.tsx'
import { type SessionFilter, useSessions } from './use-sessions.ts'

/** What people look for, in their words, as the statuses it stands for. */
const SHOWN: { value: string; label: string; status: SessionStatus[] }[] = [
  { value: '', label: 'All statuses', status: [] },
  { value: 'working', label: 'Working', status: ['QUEUED', 'RUNNING'] },
  { value: 'waiting', label: 'Needs someone', status: ['IDLE', 'PAUSED'] },
  { value: 'completed', label: 'Completed', status: ['COMPLETED'] },
  { value: 'ended', label: 'Failed or canceled', status: ['FAILED', 'CANCELED'] },
]

export const SessionsPage = () => {
  const { viewer } = useSignedIn()
  const { tenantId, chosen } = useTenant()
  const [params, setParams] = useSearchParams()
  const change = (name: string, value: string) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old)
        if (value) next.set(name, value)
        else next.delete(name)
        return next
      },
      { replace: true },
    )
  const shown = SHOWN.find(({ value }) => value === (params.get('status') ?? '')) ?? SHOWN[0]
  const filter: SessionFilter = {
    tenantId,
    status: shown?.status ?? [],
    agentId: params.get('agent') ?? undefined,
    search: useDeferredValue(params.get('search') ?? ''),
  }
  const list = useSessions(filter, { pause: !chosen })
  const [{ data: agents }] = useQuery({ query: AgentNamesDocument, variables: { tenantId }, pause: !chosen })
  const filtered = filter.status.length > 0 || filter.agentId !== undefined || filter.search !== ''

  return (
    <div className="page">
      <PageHead title="Sessions">
        <TenantChoice />
        {may.work(viewer.role) && (
          <ButtonLink kind="primary" href="/sessions/new">
            New session
          </ButtonLink>
        )}
      </PageHead>
      {chosen && (
        <search className="sessions-filters">
          <SearchField value={params.get('search') ?? ''} onValue={(value) => change('search', value)} />
          <SelectField label="Status" hideLabel value={shown?.value ?? ''} onValue={(value) => change('status', value)}>
            {SHOWN.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </SelectField>
          <SelectField label="Agent" hideLabel value={filter.agentId ?? ''} onValue={(value) => change('agent', value)}>
            <option value="">All agents</option>
            {agents?.agents.edges.map(({ node }) => (
              <option key={node.id} value={node.id}>
                {node.name}
                {node.archivedAt && ' (archived)'}
              </option>
            ))}
          </SelectField>
        </search>
      )}
      {list.problem && <ErrorNote error={list.problem} onRetry={list.reload} />}
      {!chosen && (
        <EmptyState title="Whose sessions?">
          <p>An operator belongs to no tenant. Choose one above to see its sessions.</p>
        </EmptyState>
      )}
      {chosen && list.rows === null && !list.problem && <p className="quiet">Reading the sessions …</p>}
      {list.rows?.length === 0 &&
        (filtered ? <NothingFits onClear={() => setParams(tenantId ? { tenant: tenantId } : {})} /> : <HowToStart />)}
      {list.rows && list.rows.length > 0 && <SessionsTable rows={list.rows} />}
      {list.hasMore && (
        <div>
          <Button busy={list.loadingMore} onClick={list.loadMore}>
            Show older sessions
          </Button>
        </div>
      )}
    </div>
  )
}

/** The address follows after a moment's rest: each letter in it would be a search. */
const SearchField = ({ value, onValue }: { value: string; onValue: (value: string) => void }) => {
  const [text, setText] = useState(value)
  // biome-ignore lint/correctness/useExhaustiveDependencies: only typing starts the wait
  useEffect(() => {
    if (text === value) return
    const timer = setTimeout(() => onValue(text), 250)
    return () => clearTimeout(timer)
  }, [text])
  return <TextField label="Search by title" hideLabel type="search" placeholder="Search by title" value={text} onValue={setText} />
}

const NothingFits = ({ onClear }: { onClear: () => void }) => (
  <EmptyState title="No session fits">
    <p>No session has this status, agent and title.</p>
    <Button onClick={onClear}>Show all</Button>
  </EmptyState>
)

const HowToStart = () => {
  const { viewer } = useSignedIn()
  return (
    <EmptyState title="No sessions yet">
      <p>
        A session is one piece of work: an agent, an environment its tools run in, a prompt, and the conditions that must hold before it is
        done. Start one here, by the API’s <code>createSession</code>, or with <code>npm run session -- --help</code>.
      </p>
      {may.work(viewer.role) && (
        <ButtonLink kind="primary" href="/sessions/new">
          New session
        </ButtonLink>
      )}
    </EmptyState>
  )
}
