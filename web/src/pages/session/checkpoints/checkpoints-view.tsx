import './checkpoints.css'
import { useEffect, useState } from 'react'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { may } from '../../../api/roles.ts'
import { useSignedIn } from '../../../api/session-of-tab.tsx'
import { usePages } from '../../../api/use-pages.ts'
import { Button } from '../../../components/button.tsx'
import { EmptyState } from '../../../components/empty-state.tsx'
import { ErrorNote } from '../../../components/error-note.tsx'
import { OlderButton } from '../../../components/older-button.tsx'
import { toSessionName } from '../../../components/session-name.ts'
import { StatusPill } from '../../../components/status-pill.tsx'
import { TimeAgo } from '../../../components/time-ago.tsx'
import {
  type CheckpointLineFragment,
  type ForkLineFragment,
  SessionCheckpointsDocument,
  type SessionCheckpointsQuery,
  SessionForksDocument,
  type SessionForksQuery,
  SessionLineageDocument,
  type SessionStateFragment,
} from '../../../generated/graphql.ts'
import { CheckpointDialog } from './checkpoint-dialog.tsx'
import { CheckpointItem, ForkItem } from './checkpoint-item.tsx'
import { ForkDialog } from './fork-dialog.tsx'
import { RewindDialog } from './rewind-dialog.tsx'
import { toName } from './to-name.ts'

const pickCheckpoints = ({ session }: SessionCheckpointsQuery) => session?.checkpoints
const pickForks = ({ session }: SessionForksQuery) => session?.forks

type Asked = { what: 'take' } | { what: 'fork' | 'rewind'; at: CheckpointLineFragment }

/** Points to go back to, newest first, and under each the sessions that went on from it; above all where this one comes from. */
export const CheckpointsView = ({ session }: { session: SessionStateFragment }) => {
  const { viewer } = useSignedIn()
  const checkpoints = usePages(SessionCheckpointsDocument, { variables: { id: session.id }, pick: pickCheckpoints })
  const forks = usePages(SessionForksDocument, { variables: { id: session.id }, pick: pickForks })
  const [asked, setAsked] = useState<Asked | null>(null)
  const { reload } = checkpoints
  // biome-ignore lint/correctness/useExhaustiveDependencies: the log tells of checkpoints; forks of a session are not in it
  useEffect(reload, [session.head, reload])

  const mayWork = may.work(viewer.role)
  const listed = new Set(checkpoints.nodes?.map(({ id }) => id))
  const orphans = forks.nodes?.filter(({ forkedFrom }) => forkedFrom && !listed.has(forkedFrom.id)) ?? []
  const close = () => setAsked(null)
  const problem = checkpoints.problem ?? forks.problem
  return (
    <div className="checkpoints">
      <div className="row">
        <p className="quiet small checkpoints-intro">
          A checkpoint keeps the log, the agent’s context and the whole file system at one point. The platform takes them while the session
          works and when it rests.
        </p>
        {mayWork && (
          <span className="push">
            <Button size="small" onClick={() => setAsked({ what: 'take' })}>
              Take a checkpoint …
            </Button>
          </span>
        )}
      </div>
      <Origin sessionId={session.id} />
      {problem && <ErrorNote error={problem} onRetry={reload} />}
      {checkpoints.nodes === null && !problem && <p className="quiet">Reading the checkpoints …</p>}
      {checkpoints.nodes?.length === 0 && (
        <EmptyState title="No checkpoint yet">
          <p>The first is taken after some tool calls, or when the session rests. From one, a session goes on in several ways at once.</p>
        </EmptyState>
      )}
      <ol className="checkpoints-list">
        {checkpoints.nodes?.map((checkpoint, index, all) => (
          <CheckpointItem
            key={checkpoint.id}
            sessionId={session.id}
            checkpoint={checkpoint}
            later={all.slice(0, index)}
            forks={forks.nodes?.filter(({ forkedFrom }) => forkedFrom?.id === checkpoint.id) ?? []}
            onAsk={mayWork ? (what) => setAsked({ what, at: checkpoint }) : null}
          />
        ))}
      </ol>
      <OlderButton pages={checkpoints}>Show older checkpoints</OlderButton>
      {!checkpoints.hasMore && <Orphans sessionId={session.id} forks={orphans} />}
      <OlderButton pages={forks}>Show older forks</OlderButton>
      {asked?.what === 'take' && <CheckpointDialog sessionId={session.id} onClose={close} onDone={reload} />}
      {asked?.what === 'fork' && <ForkDialog from={asked.at} onClose={close} onDone={forks.reload} />}
      {asked?.what === 'rewind' && <RewindDialog sessionId={session.id} to={asked.at} onClose={close} onDone={reload} />}
    </div>
  )
}

/** Of checkpoints that were taken away to save room: their forks stand on their own. */
const Orphans = ({ sessionId, forks }: { sessionId: string; forks: ForkLineFragment[] }) =>
  forks.length === 0 ? null : (
    <section className="stack" aria-labelledby="orphans-title">
      <h3 id="orphans-title">Forks of checkpoints that are no longer kept</h3>
      <ul className="checkpoints-forks">
        {forks.map((fork) => (
          <ForkItem key={fork.id} sessionId={sessionId} fork={fork} />
        ))}
      </ul>
    </section>
  )

const Origin = ({ sessionId }: { sessionId: string }) => {
  const [{ data }] = useQuery({ query: SessionLineageDocument, variables: { id: sessionId }, requestPolicy: 'cache-and-network' })
  const from = data?.session?.forkedFrom
  if (!from) return null
  return (
    <p className="checkpoints-origin row">
      <span>
        Forked from <Link href={`/sessions/${from.session.id}?view=checkpoints`}>{toSessionName(from.session)}</Link> at {toName(from)},{' '}
        <TimeAgo iso={from.createdAt} /> ago
      </span>
      <StatusPill status={from.session.status} stopReason={from.session.stopReason} />
      <Link className="push" href={`/sessions/${from.session.id}/beside/${sessionId}`}>
        Compare with it
      </Link>
    </p>
  )
}
