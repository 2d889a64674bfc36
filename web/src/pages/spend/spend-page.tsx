import './spend.css'
import { useSearchParams } from 'wouter'
import { may } from '../../api/roles.ts'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { Choices } from '../../components/choices.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { formatUsd, toWords } from '../../components/format.ts'
import { PageHead } from '../../components/page-head.tsx'
import { TenantChoice, useTenant } from '../../components/tenant-choice.tsx'
import { Breakdown } from './breakdown.tsx'
import { Caps } from './caps.tsx'
import { RANGES, type RangeName, toBars } from './range.ts'
import { SpenderCaps, SpenderName } from './spender.tsx'
import { StoppedByCaps } from './stopped-by-caps.tsx'
import { sumUsd } from './sum-usd.ts'
import { TimeChart } from './time-chart.tsx'
import { useSpend } from './use-spend.ts'

/** As many lines as the API gives of one grouping. */
const MOST_BUCKETS = 1_000

export const SpendPage = () => {
  const { viewer } = useSignedIn()
  const { id, tenantId } = useTenant()
  const [params, setParams] = useSearchParams()
  const rangeName = RANGES.find(({ value }) => value === params.get('range'))?.value ?? '7d'
  const choose = (range: RangeName) => setParams({ ...Object.fromEntries(params), range }, { replace: true })
  return (
    <div className="page">
      <PageHead title="Spend">
        <TenantChoice />
        {id !== undefined && <Choices label="Time" value={rangeName} options={RANGES} onValue={choose} />}
      </PageHead>
      {id === undefined ? (
        <EmptyState title="Whose spend?">
          <p>An operator belongs to no tenant. Choose one above to see what it spends and under which caps.</p>
        </EmptyState>
      ) : (
        <SpendOf key={id} {...{ id, tenantId, rangeName }} />
      )}
      {!may.setCaps(viewer.role) && <p className="quiet small">Caps are changed by an admin of the tenant.</p>}
    </div>
  )
}

const SpendOf = (props: { id: string; tenantId: string | undefined; rangeName: RangeName }) => {
  const { tenant, error, range, look, lookNow } = useSpend(props)
  if (error && !tenant) return <ErrorNote error={error} onRetry={lookNow} />
  if (!tenant) return <p className="quiet">Adding up the ledger …</p>
  const unit = range.unit === 'HOUR' ? 'hour' : 'day'
  return (
    <>
      {error && <ErrorNote error={error} onRetry={lookNow} />}
      <StoppedByCaps tenantId={props.tenantId} look={look} />
      <div className="spend-top">
        <section className="card stack" aria-labelledby="spent-title">
          <h2 id="spent-title">
            {formatUsd(sumUsd(tenant.byKind.map(({ costUsd }) => costUsd)))} <span className="quiet">spent</span>
          </h2>
          <TimeChart bars={toBars(range, tenant.byTime)} unit={unit} />
        </section>
        <Caps title="Caps of the tenant" scope="TENANT" scopeId={props.id} budgets={tenant.budgets} onChanged={lookNow} />
      </div>
      <div className="spend-parts">
        <Breakdown
          title="By session"
          noun="session"
          buckets={tenant.bySession}
          nameOf={({ key }) => <SpenderName id={key} />}
          below={({ key }) => <SpenderCaps id={key} />}
          note={tenant.bySession.length >= MOST_BUCKETS && <TooMany />}
        />
        <div className="stack">
          <Breakdown
            title="By agent"
            noun="agent"
            buckets={tenant.byAgent}
            nameOf={({ key }) => <SpenderName id={key} />}
            below={({ key }) => <SpenderCaps id={key} />}
          />
          <Breakdown
            title="By model"
            noun="model"
            buckets={tenant.byModel.filter(({ key }) => key !== 'sandbox')}
            nameOf={({ key }) => <span className="mono">{key}</span>}
          />
          <Breakdown title="By kind of call" noun="kind" buckets={tenant.byKind} nameOf={({ key }) => toWords(key)} />
        </div>
      </div>
    </>
  )
}

const TooMany = () => (
  <p className="note small" data-tone="warn">
    More than {MOST_BUCKETS} sessions spent in this time; only the first {MOST_BUCKETS} that did are listed. Choose a shorter one.
  </p>
)
