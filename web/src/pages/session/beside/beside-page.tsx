import './beside.css'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { Activity } from '../../../components/activity.tsx'
import { ErrorNote } from '../../../components/error-note.tsx'
import { formatCount, formatDuration, toWords } from '../../../components/format.ts'
import { PageHead } from '../../../components/page-head.tsx'
import { toSessionName } from '../../../components/session-name.ts'
import { SpendMeter } from '../../../components/spend-meter.tsx'
import { StatusPill } from '../../../components/status-pill.tsx'
import type { ConditionStatus, SessionStateFragment } from '../../../generated/graphql.ts'
import { toLowestCap } from '../../sessions/to-lowest-cap.ts'
import { CommonAncestor, FilesBeside } from './parting.tsx'
import { type Both, useBoth } from './use-both.ts'

type Session = SessionStateFragment

/** Two sessions side by side, such as two ways on from one point: what each has reached, and what it cost. */
export const BesidePage = ({ a, b }: { a: string; b: string }) => {
  const { both, problem } = useBoth(a, b)
  return (
    <div className="page">
      <PageHead title="Side by side" />
      {problem && <ErrorNote error={problem} />}
      {both === null && !problem && <p className="quiet">Reading both sessions …</p>}
      {both && (
        <>
          <CommonAncestor a={a} b={b} />
          <Comparison {...both} />
          <FilesBeside key={`${a} ${b}`} a={a} b={b} names={{ a: toSessionName(both.a), b: toSessionName(both.b) }} />
        </>
      )}
    </div>
  )
}

const Comparison = ({ a, b }: Both) => (
  <div className="table-wrap">
    <table className="table beside">
      <caption className="only-heard">Two sessions side by side</caption>
      <thead>
        <tr>
          <th scope="col">
            <span className="only-heard">What</span>
          </th>
          {[a, b].map((session) => (
            <th key={session.id} scope="col" className="beside-title">
              <Link href={`/sessions/${session.id}`}>{toSessionName(session)}</Link>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        <Line what="Status" a={a} b={b}>
          {(session) => <StatusPill status={session.status} stopReason={session.stopReason} />}
        </Line>
        <Line what="Doing now" a={a} b={b}>
          {(session) => <Activity status={session.status} activity={session.activity} />}
        </Line>
        {namesOf(a, b).map((name) => (
          <Line key={name} what={`Condition: ${name}`} a={a} b={b}>
            {(session) => <Standing session={session} name={name} />}
          </Line>
        ))}
        <Line what="Rounds of evaluation" a={a} b={b}>
          {(session) => `${session.evaluationRounds} of ${session.maxEvaluations}`}
        </Line>
        <Line what="Spend" a={a} b={b}>
          {({ usage, budgets }) => (
            <span className="beside-spend">
              <SpendMeter spentUsd={usage.costUsd} reservedUsd={usage.reservedUsd} limitUsd={toLowestCap(budgets)} />
            </span>
          )}
        </Line>
        <Line what="Turns" a={a} b={b}>
          {({ usage }) => usage.turns}
        </Line>
        <Line what="Tool calls" a={a} b={b}>
          {({ usage }) => usage.toolCalls}
        </Line>
        <Line what="Tokens" a={a} b={b}>
          {({ usage }) =>
            `${formatCount(usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens)} in, ${formatCount(usage.outputTokens)} out`
          }
        </Line>
        <Line what="Active" a={a} b={b}>
          {({ usage }) => formatDuration(usage.activeSeconds * 1_000)}
        </Line>
        <Line what="Agent" a={a} b={b}>
          {({ agent, agentVersion }) => `${agent.name} v${agentVersion.version}, ${agentVersion.model}`}
        </Line>
      </tbody>
    </table>
  </div>
)

const Line = ({ what, a, b, children }: Both & { what: string; children: (session: Session) => ReactNode }) => (
  <tr>
    <th scope="row">{what}</th>
    <td className="number">{children(a)}</td>
    <td className="number">{children(b)}</td>
  </tr>
)

const namesOf = (a: Session, b: Session): string[] => [...new Set([...a.doneConditions, ...b.doneConditions].map(({ name }) => name))]

const TONES: Record<ConditionStatus, string> = { SATISFIED: 'good', UNSATISFIED: 'bad', PENDING: 'quiet', WAIVED: 'warn' }

const Standing = ({ session, name }: { session: Session; name: string }) => {
  const condition = session.doneConditions.find((one) => one.name === name)
  if (condition === undefined) return <span className="quiet">not asked for</span>
  return <span className={TONES[condition.status]}>{toWords(condition.status)}</span>
}
