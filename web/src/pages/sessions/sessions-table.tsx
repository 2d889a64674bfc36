import { Link } from 'wouter'
import { may } from '../../api/roles.ts'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { Activity } from '../../components/activity.tsx'
import { toSessionName } from '../../components/session-name.ts'
import { SpendMeter } from '../../components/spend-meter.tsx'
import { StatusPill } from '../../components/status-pill.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import type { SessionRowFragment, SessionStatus } from '../../generated/graphql.ts'
import { toShortNeed } from '../session/needs.ts'
import { toLowestCap } from './to-lowest-cap.ts'

export const SessionsTable = ({ rows }: { rows: SessionRowFragment[] }) => (
  <div className="table-wrap">
    <table className="table sessions-table">
      <caption className="only-heard">Sessions, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Session</th>
          <th scope="col">Status</th>
          <th scope="col">Doing now</th>
          <th scope="col">Conditions</th>
          <th scope="col">Spend</th>
          <th scope="col" className="end">
            Age
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <SessionRow key={row.id} row={row} />
        ))}
      </tbody>
    </table>
  </div>
)

/** They are at nothing, and need nobody. */
const ENDED = new Set<SessionStatus>(['COMPLETED', 'FAILED', 'CANCELED'])

const SessionRow = ({ row }: { row: SessionRowFragment }) => (
  <tr data-ended={ENDED.has(row.status)}>
    <td className="sessions-title">
      <Link href={`/sessions/${row.id}`}>{toSessionName(row)}</Link>
      <span className="quiet small">{row.agent.name}</span>
    </td>
    <td className="sessions-status">
      {/* Why it rests stands beside it, as what it needs. */}
      <StatusPill status={row.status} stopReason={toShortNeed(row) === null ? row.stopReason : null} />
    </td>
    <td className="sessions-activity">
      <DoingNow row={row} />
    </td>
    <td className="sessions-conditions" data-label="Conditions">
      <ConditionsMet conditions={row.doneConditions} />
    </td>
    <td className="sessions-spend">
      <SpendMeter spentUsd={row.usage.costUsd} reservedUsd={row.usage.reservedUsd} limitUsd={toLowestCap(row.budgets)} />
    </td>
    <td className="sessions-age end">
      <TimeAgo iso={row.createdAt} />
    </td>
  </tr>
)

/** What it is at; of one that rests, what it needs of a person. */
const DoingNow = ({ row }: { row: SessionRowFragment }) => {
  const { viewer } = useSignedIn()
  const need = toShortNeed(row)
  if (need === null) return <Activity status={row.status} activity={row.activity} />
  return (
    <span className="sessions-need warn">
      <strong>Needs {may.work(viewer.role) ? 'you' : 'someone'}</strong> <span className="small">{need}</span>
    </span>
  )
}

const ConditionsMet = ({ conditions }: { conditions: SessionRowFragment['doneConditions'] }) => {
  if (conditions.length === 0) return <span className="quiet">none</span>
  const met = conditions.filter(({ status }) => status === 'SATISFIED' || status === 'WAIVED').length
  return (
    <span className={`number ${met === conditions.length ? 'good' : ''}`}>
      {met} of {conditions.length}
    </span>
  )
}
