import { useState } from 'react'
import { Link } from 'wouter'
import { may } from '../../api/roles.ts'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { useAction } from '../../api/use-action.ts'
import { Activity } from '../../components/activity.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { TextField } from '../../components/field.tsx'
import { toSessionName } from '../../components/session-name.ts'
import { SpendMeter } from '../../components/spend-meter.tsx'
import { StatusPill } from '../../components/status-pill.tsx'
import { TimeAgo } from '../../components/time-ago.tsx'
import { CancelSessionDocument, PauseSessionDocument, ResumeSessionDocument, type SessionStateFragment } from '../../generated/graphql.ts'
import { toLowestCap } from '../sessions/to-lowest-cap.ts'
import { toNeed } from './needs.ts'

type Props = { session: SessionStateFragment; onChanged: () => void }

/** Ten seconds' worth: what it is doing, what it has spent, whether it needs someone, and how to stop it. */
export const SessionHead = ({ session, onChanged }: Props) => {
  const { viewer } = useSignedIn()
  const need = toNeed(session)
  return (
    <header className="session-head">
      <div className="session-title">
        <Link href="/" className="small">
          Sessions
        </Link>
        <h1>{toSessionName(session)}</h1>
      </div>
      <div className="row session-now">
        <StatusPill status={session.status} stopReason={session.stopReason} />
        {(session.status === 'QUEUED' || session.status === 'RUNNING') && (
          <span className="session-activity">
            <Activity status={session.status} activity={session.activity} />
          </span>
        )}
        <span className="quiet small">
          started <TimeAgo iso={session.createdAt} /> ago
        </span>
      </div>
      <SpendMeter spentUsd={session.usage.costUsd} reservedUsd={session.usage.reservedUsd} limitUsd={toLowestCap(session.budgets)} />
      {may.work(viewer.role) && <Actions session={session} onChanged={onChanged} />}
      {need && (
        <p className="note session-need" data-tone="warn">
          <strong>Needs {may.work(viewer.role) ? 'you' : 'someone'}.</strong> {need}
        </p>
      )}
    </header>
  )
}

const Actions = ({ session, onChanged }: Props) => {
  const pause = useAction(PauseSessionDocument)
  const resume = useAction(ResumeSessionDocument)
  const [canceling, setCanceling] = useState(false)
  const input = { sessionId: session.id }
  const ended = session.status === 'FAILED' || session.status === 'CANCELED'
  const works = session.status === 'QUEUED' || session.status === 'RUNNING'
  const problem = pause.problem ?? resume.problem
  return (
    <div className="row session-actions">
      {works && (
        <Button
          busy={pause.busy}
          onClick={() => void pause.run({ input }).then(onChanged)}
          title="The model call at hand finishes, no further tool starts"
        >
          Pause
        </Button>
      )}
      {session.status === 'PAUSED' && (
        <Button kind="primary" busy={resume.busy} onClick={() => void resume.run({ input }).then(onChanged)}>
          Resume
        </Button>
      )}
      {!ended && session.status !== 'COMPLETED' && (
        <Button kind="danger" onClick={() => setCanceling(true)}>
          Cancel
        </Button>
      )}
      {problem && <ErrorNote error={problem} />}
      {canceling && <CancelDialog session={session} onClose={() => setCanceling(false)} onChanged={onChanged} />}
    </div>
  )
}

const CancelDialog = ({ session, onClose, onChanged }: Props & { onClose: () => void }) => {
  const [reason, setReason] = useState('')
  const cancel = useAction(CancelSessionDocument)
  const submit = async () => {
    if (await cancel.run({ input: { sessionId: session.id, reason: reason.trim() || null } })) {
      onChanged()
      onClose()
    }
  }
  return (
    <Dialog
      title="Cancel this session?"
      submit="Cancel the session"
      danger
      busy={cancel.busy}
      error={cancel.problem}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <p>The work at hand stops now, and the session can never go on. Its log stays.</p>
      <TextField label="Reason, for the log (may be left out)" value={reason} onValue={setReason} />
    </Dialog>
  )
}
