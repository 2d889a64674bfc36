import { useState } from 'react'
import { Link } from 'wouter'
import { Button } from '../../components/button.tsx'
import { SpendMeter } from '../../components/spend-meter.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { Caps } from '../spend/caps.tsx'
import { sumUsd } from '../spend/sum-usd.ts'
import { LimitsForm } from './limits-form.tsx'
import { toMonthlyCap } from './month.ts'
import { SuspendButton } from './suspend-button.tsx'
import type { TenantRow } from './tenant-row.ts'

type Props = { onChanged: () => void }

export const TenantTable = ({ rows, onChanged }: Props & { rows: TenantRow[] }) => (
  <div className="table-wrap">
    <table className="table fold-table">
      <caption className="only-heard">Tenants, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Tenant</th>
          <th scope="col">State</th>
          <th scope="col">Spent this month</th>
          <th scope="col">At once</th>
          <th scope="col">Made</th>
          <th scope="col">
            <span className="only-heard">Change</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Row key={row.id} row={row} onChanged={onChanged} />
        ))}
      </tbody>
    </table>
  </div>
)

const Row = ({ row, onChanged }: Props & { row: TenantRow }) => {
  const [open, setOpen] = useState(false)
  const cap = toMonthlyCap(row.budgets)
  const spentUsd = cap?.spentUsd ?? sumUsd(row.month.map(({ costUsd }) => costUsd))
  return (
    <>
      <tr data-faded={row.status === 'SUSPENDED'}>
        <th scope="row">
          <span>
            {row.name} <code className="quiet small">{row.slug}</code>
            <span className="tenant-links small">
              <Link href={`/?tenant=${row.id}`}>Sessions</Link>
              <Link href={`/spend?tenant=${row.id}`}>Spend</Link>
              <Link href={`/keys?tenant=${row.id}`}>Keys</Link>
            </span>
          </span>
        </th>
        <td data-label="State">
          <span className="pill" data-tone={row.status === 'ACTIVE' ? 'good' : 'warn'}>
            {row.status.toLowerCase()}
          </span>
        </td>
        <td data-label="This month">
          <SpendMeter spentUsd={spentUsd} reservedUsd={cap?.reservedUsd ?? '0'} limitUsd={cap?.limitUsd ?? null} />
          {cap === null && <span className="quiet small"> no monthly cap</span>}
        </td>
        <td data-label="At once" className="number">
          {row.maxConcurrentSessions}
        </td>
        <td data-label="Made">
          <span>
            <TimeAgo iso={row.createdAt} /> ago
          </span>
        </td>
        <td className="end">
          <span className="row tenant-actions">
            <Button size="small" aria-expanded={open} aria-label={`Limits of ${row.name}`} onClick={() => setOpen(!open)}>
              Limits
            </Button>
            <SuspendButton row={row} onChanged={onChanged} />
          </span>
        </td>
      </tr>
      {open && (
        <tr className="tenant-limits">
          <td colSpan={6}>
            <div className="tenant-limits-parts">
              <LimitsForm row={row} onChanged={onChanged} />
              <Caps title={`Caps of ${row.name}`} scope="TENANT" scopeId={row.id} budgets={row.budgets} onChanged={onChanged} />
            </div>
          </td>
        </tr>
      )}
    </>
  )
}
