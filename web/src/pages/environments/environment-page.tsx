import './environments.css'
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
  ArchiveEnvironmentDocument,
  EnvironmentDocument,
  type EnvironmentQuery,
  EnvironmentVersionsDocument,
  type EnvironmentVersionsQuery,
  UpdateEnvironmentDocument,
} from '../../generated/graphql.ts'
import { type EnvironmentDraft, toChanges, toDifferences, toDraft } from './environment-draft.ts'
import { EnvironmentFacts } from './environment-facts.tsx'
import { EnvironmentFields } from './environment-fields.tsx'
import { VersionBuilds } from './version-builds.tsx'

type EnvironmentNode = Extract<NonNullable<EnvironmentQuery['node']>, { latest: object }>

const pickVersions = ({ node }: EnvironmentVersionsQuery) => (node && 'versions' in node ? node.versions : null)

export const EnvironmentPage = ({ id }: { id: string }) => {
  const [{ data, error }, again] = useQuery({ query: EnvironmentDocument, variables: { id }, requestPolicy: 'cache-and-network' })
  const reload = () => again({ requestPolicy: 'network-only' })
  const environment = data?.node && 'latest' in data.node ? data.node : null
  return (
    <div className="page">
      <Link href="/environments" className="small">
        Environments
      </Link>
      {error && <ErrorNote error={error} onRetry={reload} />}
      {!error && data && !environment && <EmptyState title="This is no environment" />}
      {!error && !data && <p className="quiet">Reading the environment …</p>}
      {environment && <Shown environment={environment} onChanged={reload} />}
    </div>
  )
}

type Props = { environment: EnvironmentNode; onChanged: () => void }

const Shown = ({ environment, onChanged }: Props) => {
  const { viewer } = useSignedIn()
  const versions = usePages(EnvironmentVersionsDocument, { variables: { id: environment.id }, pick: pickVersions })
  // Another start is another form.
  const [taken, setTaken] = useState<{ draft: EnvironmentDraft; times: number }>()
  const changeable = may.administer(viewer.role) && !environment.archivedAt
  const take = (version: EnvironmentNode['latest']) =>
    setTaken((last) => ({ draft: toDraft(environment.name, version), times: (last?.times ?? 0) + 1 }))
  return (
    <>
      <PageHead title={environment.name}>{changeable && <Archive environment={environment} onChanged={onChanged} />}</PageHead>
      {environment.archivedAt && (
        <p className="note">Archived on {formatDateTime(environment.archivedAt)}: no new session may use it; those that do go on.</p>
      )}
      <div className="definition-page">
        <section className="card stack" aria-labelledby="newest">
          <h2 id="newest">Version {environment.latest.version}</h2>
          {changeable ? (
            <Change
              key={taken?.times}
              environment={environment}
              start={taken?.draft ?? null}
              onChanged={() => {
                onChanged()
                versions.reload()
              }}
            />
          ) : (
            <EnvironmentFacts version={environment.latest} />
          )}
        </section>
        <div className="stack">
          {environment.latest.setupScript !== null && (
            <section className="card stack" aria-labelledby="builds-title">
              <h2 id="builds-title">Builds of version {environment.latest.version}</h2>
              <VersionBuilds key={environment.latest.id} version={environment.latest} />
            </section>
          )}
          <VersionList
            pages={versions}
            differencesOf={toDifferences}
            show={(version) => (
              <>
                <EnvironmentFacts version={version} />
                {version.id !== environment.latest.id && <VersionBuilds version={version} />}
              </>
            )}
            onTake={changeable ? take : undefined}
          />
        </div>
      </div>
    </>
  )
}

const Change = ({ environment, start, onChanged }: Props & { start: EnvironmentDraft | null }) => {
  const { run, ...update } = useAction(UpdateEnvironmentDocument)
  return (
    <ChangeForm
      {...{ thing: environment, start, toDraft, toChanges, onChanged }}
      {...update}
      fields={(wiring) => <EnvironmentFields {...wiring} />}
      save={async (changes, expectedVersion) => {
        const done = await run({ input: { id: environment.id, expectedVersion, ...changes } })
        return done?.updateEnvironment.environment ?? null
      }}
    />
  )
}

const Archive = ({ environment, onChanged }: Props) => {
  const { run, busy, problem } = useAction(ArchiveEnvironmentDocument)
  const archive = async () => {
    const done = await run({ input: { id: environment.id } })
    if (done) onChanged()
    return done !== null
  }
  return <ArchiveButton what="environment" name={environment.name} archive={archive} busy={busy} error={problem} />
}
