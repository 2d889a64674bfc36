import { useEffect, useState } from 'react'
import { useQuery } from 'urql'
import { problemOf } from '../../../api/problem.ts'
import { may } from '../../../api/roles.ts'
import { useSignedIn } from '../../../api/session-of-tab.tsx'
import { useAction } from '../../../api/use-action.ts'
import { Button } from '../../../components/button.tsx'
import { Dialog } from '../../../components/dialog.tsx'
import { ErrorNote } from '../../../components/error-note.tsx'
import { TextField } from '../../../components/field.tsx'
import { formatCount, formatDuration, formatUsd, toWords } from '../../../components/format.ts'
import { SpendMeter } from '../../../components/spend-meter.tsx'
import { SessionSpendDocument, type SessionSpendQuery, type SessionStateFragment, SetBudgetDocument } from '../../../generated/graphql.ts'

type Props = { session: SessionStateFragment; onChanged: () => void }
type Bucket = NonNullable<SessionSpendQuery['session']>['byModel'][number]

/** What the session has spent, on what, under which caps. */
export const MoneyCard = ({ session, onChanged }: Props) => {
  const { viewer } = useSignedIn()
  const [raising, setRaising] = useState(false)
  const [{ data, error }, again] = useQuery({ query: SessionSpendDocument, variables: { id: session.id } })
  const spent = session.usage.costUsd
  // biome-ignore lint/correctness/useExhaustiveDependencies: read again when more is spent
  useEffect(() => again({ requestPolicy: 'network-only' }), [spent, again])
  return (
    <section className="card stack" aria-labelledby="money-title">
      <div className="row">
        <h2 id="money-title">Money</h2>
        {may.setCaps(viewer.role) && (
          <span className="push">
            <Button size="small" onClick={() => setRaising(true)}>
              Set the cap …
            </Button>
          </span>
        )}
      </div>
      <dl className="money-sums">
        <div>
          <dt>Spent</dt>
          <dd>{formatUsd(spent)}</dd>
        </div>
        <div>
          <dt>Held for calls in flight</dt>
          <dd>{formatUsd(session.usage.reservedUsd)}</dd>
        </div>
      </dl>
      <ul className="stack">
        {session.budgets.map((budget) => (
          <li key={budget.id} className="small">
            <span className="quiet">
              {toWords(budget.scope)} cap, {toWords(budget.period)}, set by the {toWords(budget.setBy)}
            </span>
            <SpendMeter spentUsd={budget.spentUsd} reservedUsd={budget.reservedUsd} limitUsd={budget.limitUsd} />
          </li>
        ))}
      </ul>
      {session.budgets.length === 0 && <p className="quiet small">No cap on this session.</p>}
      {error && <ErrorNote error={error} />}
      {data?.session && (
        <>
          <Split title="By model" buckets={data.session.byModel.filter(({ key }) => key !== 'sandbox')} />
          <Split title="By kind" buckets={data.session.byKind} />
        </>
      )}
      {raising && <CapDialog session={session} onClose={() => setRaising(false)} onChanged={onChanged} />}
    </section>
  )
}

const Split = ({ title, buckets }: { title: string; buckets: Bucket[] }) =>
  buckets.length === 0 ? null : (
    <table className="money-split small">
      <caption>{title}</caption>
      <thead className="only-heard">
        <tr>
          <th scope="col">{title.slice(3)}</th>
          <th scope="col">tokens</th>
          <th scope="col">spent</th>
        </tr>
      </thead>
      <tbody>
        {buckets.map((bucket) => (
          <tr key={bucket.key}>
            <th scope="row">{toWords(bucket.key)}</th>
            <td className="quiet number">{amountOf(bucket)}</td>
            <td className="number">{formatUsd(bucket.costUsd)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )

const amountOf = ({ sandboxSeconds, inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens }: Bucket): string =>
  sandboxSeconds > 0
    ? formatDuration(sandboxSeconds * 1_000)
    : `${formatCount(inputTokens + cacheReadTokens + cacheWriteTokens)} in, ${formatCount(outputTokens)} out`

const CapDialog = ({ session, onClose, onChanged }: Props & { onClose: () => void }) => {
  const { viewer } = useSignedIn()
  const setter = viewer.role === 'OPERATOR' ? 'OPERATOR' : 'TENANT'
  const own = session.budgets.find(({ scope, period, setBy }) => scope === 'SESSION' && period === 'LIFETIME' && setBy === setter)
  const [limitUsd, setLimitUsd] = useState(own?.limitUsd ?? '')
  const setBudget = useAction(SetBudgetDocument)
  const submit = async () => {
    const input = { scope: 'SESSION', scopeId: session.id, period: 'LIFETIME', limitUsd: limitUsd.trim() } as const
    if (await setBudget.run({ input })) {
      onChanged()
      onClose()
    }
  }
  const fieldError = problemOf(setBudget.problem, 'limitUsd')
  return (
    <Dialog
      title="The session’s cap"
      submit="Set the cap"
      busy={setBudget.busy}
      error={fieldError ? null : setBudget.problem}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <p>
        {formatUsd(session.usage.costUsd)} spent so far. A call is made only when its worst case fits under every cap. A session that a cap
        holds goes on by itself when the cap is raised.
      </p>
      <TextField
        label="Lifetime cap in US dollars"
        inputMode="decimal"
        required
        value={limitUsd}
        onValue={setLimitUsd}
        error={fieldError}
        placeholder="1.50"
      />
    </Dialog>
  )
}
