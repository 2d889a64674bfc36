import './session.css'
import { Suspense, useEffect } from 'react'
import { Link, useSearchParams } from 'wouter'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { useStore } from '../../api/store.ts'
import { ErrorBoundary } from '../../components/error-boundary.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { loadPage } from '../../components/load-page.ts'
import { PageHead } from '../../components/page-head.tsx'
import { toSessionName } from '../../components/session-name.ts'
import { useSession } from './log/use-session.ts'
import { Composer } from './send/composer.tsx'
import { SessionHead } from './session-head.tsx'
import { ConditionsCard } from './side/conditions-card.tsx'
import { FactsCard } from './side/facts-card.tsx'
import { MoneyCard } from './side/money-card.tsx'
import { Timeline } from './timeline/timeline.tsx'
import { type View, ViewTabs } from './view-tabs.tsx'

// What is looked at now and then is fetched then.
const FilesView = loadPage(() => import('./files/files-view.tsx').then((file) => file.FilesView))
const CheckpointsView = loadPage(() => import('./checkpoints/checkpoints-view.tsx').then((file) => file.CheckpointsView))

const isView = (text: string | null): text is View => text === 'files' || text === 'checkpoints' || text === 'overview'

/** One session: what it does, what it has spent, whether it needs someone; and the means to steer it. */
export const SessionPage = ({ id }: { id: string }) => {
  const { session, log, problem, refresh, want } = useSession(id)
  const [params, setParams] = useSearchParams()
  const named = params.get('view')
  const view: View = isView(named) ? named : 'timeline'
  const name = session ? toSessionName(session) : 'Session'
  useEffect(() => {
    document.title = `${name} · Longhaul`
  }, [name])

  if (session === null)
    return (
      <div className="page">
        <Link href="/" className="small">
          Sessions
        </Link>
        {problem ? (
          <>
            <PageHead title={problem.code === 'NOT_FOUND' ? 'Not found' : 'Session'} />
            <ErrorNote error={problem} />
          </>
        ) : (
          <p className="quiet">Opening the session …</p>
        )}
      </div>
    )
  return (
    <div className="session" data-view={view}>
      <SessionHead session={session} onChanged={refresh} />
      <ConnectionNote />
      {problem && <ErrorNote error={problem} />}
      <ViewTabs view={view} onView={(next) => setParams(next === 'timeline' ? {} : { view: next }, { replace: true })} />
      <div className="session-body">
        <div className="session-main" role="tabpanel" id="session-panel" aria-labelledby={`session-tab-${view}`}>
          <ErrorBoundary>
            <Suspense fallback={<p className="quiet session-opening">Opening …</p>}>
              {view === 'files' && <FilesView sessionId={id} head={session.head} />}
              {view === 'checkpoints' && <CheckpointsView session={session} />}
            </Suspense>
            {view !== 'files' && view !== 'checkpoints' && (
              <Timeline log={log} want={want} over={session.status === 'FAILED' || session.status === 'CANCELED'} />
            )}
          </ErrorBoundary>
          <Composer session={session} onSent={refresh} />
        </div>
        <aside className="session-side" aria-label="Overview">
          <ErrorBoundary>
            <ConditionsCard session={session} onChanged={refresh} />
            <MoneyCard session={session} onChanged={refresh} />
            <FactsCard session={session} />
          </ErrorBoundary>
        </aside>
      </div>
    </div>
  )
}

/** Says that what is on the screen may be old, for as long as it may be. */
const ConnectionNote = () => {
  const { live } = useSignedIn()
  if (useStore(live.state) !== 'lost') return null
  return (
    <p className="note session-lost" data-tone="warn" role="status">
      The connection is lost. What you see may be old; everything that happens meanwhile will be shown when it is back.
    </p>
  )
}
