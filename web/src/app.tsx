import { lazy, Suspense } from 'react'
import { Route, Switch } from 'wouter'
import { SessionOfTab } from './api/session-of-tab.tsx'
import { EmptyState } from './components/empty-state.tsx'
import { ErrorBoundary } from './components/error-boundary.tsx'
import { PageHead } from './components/page-head.tsx'
import { Shell } from './components/shell.tsx'
import { SessionsPage } from './pages/sessions/sessions-page.tsx'
import { SignInPage } from './pages/sign-in/sign-in-page.tsx'

// One chunk a page: who watches a session loads no form.
const SessionPage = lazy(() => import('./pages/session/session-page.tsx').then((file) => ({ default: file.SessionPage })))
const NewSessionPage = lazy(() => import('./pages/new-session/new-session-page.tsx').then((file) => ({ default: file.NewSessionPage })))

const Opening = () => (
  <p className="page quiet" role="status">
    Opening …
  </p>
)

const NotFound = () => (
  <div className="page">
    <PageHead title="Not found" />
    <EmptyState title="There is no such page">
      <p>Choose one on the left.</p>
    </EmptyState>
  </div>
)

export const App = () => (
  <SessionOfTab opening={<Opening />} signIn={(options) => <SignInPage {...options} />}>
    <Shell>
      <ErrorBoundary>
        <Suspense fallback={<Opening />}>
          <Switch>
            <Route path="/" component={SessionsPage} />
            <Route path="/sessions/new" component={NewSessionPage} />
            <Route path="/sessions/:id">{({ id }) => <SessionPage key={id} id={id} />}</Route>
            <Route component={NotFound} />
          </Switch>
        </Suspense>
      </ErrorBoundary>
    </Shell>
  </SessionOfTab>
)
