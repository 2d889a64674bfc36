import './caps.css'
import { useState } from 'react'
import { may } from '../../api/roles.ts'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { useAction } from '../../api/use-action.ts'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { formatDateTime, formatUsd } from '../../components/format.ts'
import { SpendMeter } from '../../components/spend-meter.tsx'
import {
  type BudgetPeriod,
  type BudgetScope,
  type BudgetSetter,
  type CapFragment,
  RemoveBudgetDocument,
  type Role,
} from '../../generated/graphql.ts'
import { CapForm } from './cap-form.tsx'

const PERIODS: BudgetPeriod[] = ['DAY', 'MONTH', 'LIFETIME']

export const PERIOD_WORDS: Record<BudgetPeriod, string> = { DAY: 'daily', MONTH: 'monthly', LIFETIME: 'lifetime' }

/** In whose name a role sets caps; nobody can change another's. */
export const toSetter = (role: Role): BudgetSetter | null => {
  if (!may.setCaps(role)) return null
  return role === 'OPERATOR' ? 'OPERATOR' : 'TENANT'
}

type Props = { title: string; scope: BudgetScope; scopeId: string; budgets: CapFragment[]; onChanged: () => void }

/** The caps of a tenant, an agent or a session, changed where they stand. */
export const Caps = ({ title, scope, scopeId, budgets, onChanged }: Props) => {
  const { viewer } = useSignedIn()
  const setter = toSetter(viewer.role)
  const [open, setOpen] = useState<BudgetPeriod | null>(null)
  const free = PERIODS.filter((period) => !budgets.some((cap) => cap.period === period && cap.setBy === setter))
  const sorted = budgets.toSorted((one, other) => PERIODS.indexOf(one.period) - PERIODS.indexOf(other.period))
  const form = (period: BudgetPeriod, cap: CapFragment | null) => (
    <CapForm {...{ scope, scopeId, period, cap, onChanged }} onClose={() => setOpen(null)} />
  )
  return (
    <section className="card stack" aria-label={title}>
      <h2>{title}</h2>
      {budgets.length === 0 && <p className="quiet small">None. What the caps above it leave may be spent.</p>}
      <ul className="caps">
        {sorted.map((cap) => {
          const isOurs = cap.setBy === setter
          return (
            <li key={cap.id} className="stack">
              <div className="row">
                <strong className="cap-period">{PERIOD_WORDS[cap.period]}</strong>
                <span className="quiet small">set by the {cap.setBy.toLowerCase()}</span>
                {isOurs && (
                  <span className="push row">
                    <Button size="small" aria-label={`Change the ${PERIOD_WORDS[cap.period]} cap`} onClick={() => setOpen(cap.period)}>
                      Change
                    </Button>
                    <RemoveCap cap={cap} onChanged={onChanged} />
                  </span>
                )}
              </div>
              <SpendMeter spentUsd={cap.spentUsd} reservedUsd={cap.reservedUsd} limitUsd={cap.limitUsd} />
              <CapFacts cap={cap} />
              {isOurs && open === cap.period && form(cap.period, cap)}
            </li>
          )
        })}
      </ul>
      {setter && free.length > 0 && (
        <div className="row">
          <span className="quiet small">Set a cap:</span>
          {free.map((period) => (
            <Button key={period} size="small" aria-label={`Set a ${PERIOD_WORDS[period]} cap`} onClick={() => setOpen(period)}>
              {PERIOD_WORDS[period]} …
            </Button>
          ))}
        </div>
      )}
      {open !== null && free.includes(open) && form(open, null)}
    </section>
  )
}

const CapFacts = ({ cap }: { cap: CapFragment }) => (
  <span className="quiet small">
    {Number(cap.reservedUsd) > 0 && `${formatUsd(cap.reservedUsd)} held for calls in flight · `}
    {cap.alertPercents.length === 0 ? 'no alerts' : `alerts at ${cap.alertPercents.join(', ')} %`}
    {cap.resetsAt && ` · begins anew ${formatDateTime(cap.resetsAt)}`}
  </span>
)

const RemoveCap = ({ cap, onChanged }: { cap: CapFragment; onChanged: () => void }) => {
  const [asking, setAsking] = useState(false)
  const remove = useAction(RemoveBudgetDocument)
  const run = async () => {
    if (!(await remove.run({ input: { id: cap.id } }))) return
    setAsking(false)
    onChanged()
  }
  return (
    <>
      <Button size="small" kind="danger" aria-label={`Remove the ${PERIOD_WORDS[cap.period]} cap`} onClick={() => setAsking(true)}>
        Remove
      </Button>
      {asking && (
        <Dialog
          title={`Remove the ${PERIOD_WORDS[cap.period]} cap of ${formatUsd(cap.limitUsd)}?`}
          submit="Remove the cap"
          danger
          busy={remove.busy}
          error={remove.problem}
          onSubmit={() => void run()}
          onClose={() => setAsking(false)}
        >
          <p>Sessions that it stopped go on by themselves, and may spend what the other caps leave.</p>
        </Dialog>
      )}
    </>
  )
}
