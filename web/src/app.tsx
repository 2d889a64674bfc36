import { type ComponentType, Suspense } from 'react'
import { Route, Switch } from 'wouter'
import { SessionOfTab } from './api/session-of-tab.tsx'
import { EmptyState } from './components/empty-state.tsx'
import { ErrorBoundary } from './components/error-boundary.tsx'
import { loadPage } from './components/load-page.ts'
import { PageHead } from './components/page-head.tsx'
import { Shell } from './components/shell.tsx'
import { SessionsPage } from './pages/sessions/sessions-page.tsx'
import { SignInPage } from './pages/sign-in/sign-in-page.tsx'

// One chunk a page: who watches a session loads no form.
const loadSessionPage = () => import('./pages/session/session-page.tsx').then((file) => file.SessionPage)
let SessionPage: ComponentType<{ id: string }> = loadPage(loadSessionPage)
/** To be awaited before the first drawing: React keeps what it shows for waiting on the screen for 300 ms, also when nothing is waited for any more. */
export const preloadAddressed = async (): Promise<void> => {
  if (!/^\/sessions\/ses_\w+$/.test(location.pathname)) return
  SessionPage = await loadSessionPage().catch(() => SessionPage) // `loadPage` tries again, and says so
}

const BesidePage = loadPage(() => import('./pages/session/beside/beside-page.tsx').then((file) => file.BesidePage))
const NewSessionPage = loadPage(() => import('./pages/new-session/new-session-page.tsx').then((file) => file.NewSessionPage))

const AgentsPage = loadPage(() => import('./pages/agents/agents-page.tsx').then((file) => file.AgentsPage))
const NewAgentPage = loadPage(() => import('./pages/agents/new-agent-page.tsx').then((file) => file.NewAgentPage))
const AgentPage = loadPage(() => import('./pages/agents/agent-page.tsx').then((file) => file.AgentPage))
const EnvironmentsPage = loadPage(() => import('./pages/environments/environments-page.tsx').then((file) => file.EnvironmentsPage))
const NewEnvironmentPage = loadPage(() => import('./pages/environments/new-environment-page.tsx').then((file) => file.NewEnvironmentPage))
const EnvironmentPage = loadPage(() => import('./pages/environments/environment-page.tsx').then((file) => file.EnvironmentPage))
const KeysPage = loadPage(() => import('./pages/keys/keys-page.tsx').then((file) => file.KeysPage))
const SpendPage = loadPage(() => import('./pages/spend/spend-page.tsx').then((file) => file.SpendPage))
const TenantsPage = loadPage(() => import('./pages/tenants/tenants-page.tsx').then((file) => file.TenantsPage))

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
            <Route path="/sessions/:a/beside/:b">{({ a, b }) => <BesidePage key={`${a} ${b}`} a={a} b={b} />}</Route>
            <Route path="/agents" component={AgentsPage} />
            <Route path="/agents/new" component={NewAgentPage} />
            <Route path="/agents/:id">{({ id }) => <AgentPage key={id} id={id} />}</Route>
            <Route path="/environments" component={EnvironmentsPage} />
            <Route path="/environments/new" component={NewEnvironmentPage} />
            <Route path="/environments/:id">{({ id }) => <EnvironmentPage key={id} id={id} />}</Route>
            <Route path="/keys" component={KeysPage} />
            <Route path="/spend" component={SpendPage} />
            <Route path="/tenants" component={TenantsPage} />
            <Route component={NotFound} />
          </Switch>
        </Suspense>
      </ErrorBoundary>
    </Shell>
  </SessionOfTab>
)
