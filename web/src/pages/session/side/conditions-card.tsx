import { Suspense, useState } from 'react'
import { may } from '../../../api/roles.ts'
import { useSignedIn } from '../../../api/session-of-tab.tsx'
import { useAction } from '../../../api/use-action.ts'
import { Button } from '../../../components/button.tsx'
import { Dialog } from '../../../components/dialog.tsx'
import { ErrorNote } from '../../../components/error-note.tsx'
import { TextField } from '../../../components/field.tsx'
import { toWords } from '../../../components/format.ts'
import { loadPage } from '../../../components/load-page.ts'
import { TimeAgo } from '../../../components/time-ago.tsx'
import { EvaluateSessionDocument, type SessionStateFragment, WaiveDoneConditionDocument } from '../../../generated/graphql.ts'
import { Evidence } from './evidence.tsx'
import { SpecView } from './spec-view.tsx'

type Session = SessionStateFragment
type Condition = Session['doneConditions'][number]

const SIGNS = { SATISFIED: '✓', UNSATISFIED: '✗', PENDING: '○', WAIVED: '–' }
const TONES = { SATISFIED: 'good', UNSATISFIED: 'bad', PENDING: 'quiet', WAIVED: 'warn' }

// Few add one: its form is fetched when somebody does.
const AddConditionDialog = loadPage(() => import('./add-condition-dialog.tsx').then((file) => file.AddConditionDialog))

/** What must hold before the session may complete, how each stands, and why. */
export const ConditionsCard = ({ session, onChanged }: { session: Session; onChanged: () => void }) => {
  const { viewer } = useSignedIn()
  const evaluate = useAction(EvaluateSessionDocument)
  const [adding, setAdding] = useState(false)
  const conditions = session.doneConditions
  const ended = session.status === 'FAILED' || session.status === 'CANCELED'
  const mayWork = may.work(viewer.role) && !ended
  return (
    <section className="card stack" aria-labelledby="conditions-title">
      <div className="row">
        <h2 id="conditions-title">Conditions</h2>
        {conditions.length > 0 && (
          <span className="quiet small number">
            round {session.evaluationRounds} of {session.maxEvaluations}
          </span>
        )}
        {mayWork && conditions.length > 0 && (
          <span className="push">
            <Button
              size="small"
              busy={evaluate.busy}
              title="Judge the workspace as it is now"
              onClick={() => void evaluate.run({ input: { sessionId: session.id } }).then(onChanged)}
            >
              Evaluate now
            </Button>
          </span>
        )}
      </div>
      {evaluate.problem && <ErrorNote error={evaluate.problem} />}
      {conditions.length === 0 && <p className="quiet small">None: the session waits for a person when the agent ends its turn.</p>}
      <ul className="stack">
        {conditions.map((condition) => (
          <ConditionItem key={condition.id} condition={condition} mayWaive={may.administer(viewer.role) && !ended} onChanged={onChanged} />
        ))}
      </ul>
      {mayWork && (
        <div>
          <Button size="small" onClick={() => setAdding(true)}>
            Add a condition …
          </Button>
        </div>
      )}
      {adding && (
        <Suspense>
          <AddConditionDialog session={session} onClose={() => setAdding(false)} onChanged={onChanged} />
        </Suspense>
      )}
    </section>
  )
}

const ConditionItem = ({ condition, mayWaive, onChanged }: { condition: Condition; mayWaive: boolean; onChanged: () => void }) => {
  const [waiving, setWaiving] = useState(false)
  const { lastEvaluation: last, status } = condition
  return (
    <li className="condition" data-status={status}>
      <span className={`condition-sign ${TONES[status]}`} aria-hidden="true">
        {SIGNS[status]}
      </span>
      <details>
        <summary>
          <strong>{condition.name}</strong> <span className={`small ${TONES[status]}`}>{toWords(status)}</span>
          {last && (
            <span className="quiet small">
              {' '}
              · <TimeAgo iso={last.createdAt} /> ago
            </span>
          )}
          {last?.isolated === false && <span className="warn small"> · without isolation</span>}
        </summary>
        <div className="stack condition-body">
          <SpecView kind={condition.kind} spec={condition.spec} />
          {last ? (
            <>
              <p className="small quiet">
                Last verdict, round {last.round}: {toWords(last.verdict)}
              </p>
              <Evidence explanation={last.explanation} evidence={last.evidence} />
            </>
          ) : (
            <p className="small quiet">Not judged yet.</p>
          )}
          {mayWaive && status !== 'WAIVED' && (
            <div>
              <Button size="small" onClick={() => setWaiving(true)}>
                Waive …
              </Button>
            </div>
          )}
        </div>
      </details>
      {waiving && <WaiveDialog condition={condition} onClose={() => setWaiving(false)} onChanged={onChanged} />}
    </li>
  )
}

const WaiveDialog = ({ condition, onClose, onChanged }: { condition: Condition; onClose: () => void; onChanged: () => void }) => {
  const [reason, setReason] = useState('')
  const waive = useAction(WaiveDoneConditionDocument)
  const submit = async () => {
    if (await waive.run({ input: { id: condition.id, reason: reason.trim() } })) {
      onChanged()
      onClose()
    }
  }
  return (
    <Dialog
      title={`Waive “${condition.name}”?`}
      submit="Waive"
      busy={waive.busy}
      error={waive.problem}
      disabled={reason.trim() === ''}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <p>The session may complete without it. The log says who waived it, and why.</p>
      <TextField label="Reason" required value={reason} onValue={setReason} />
    </Dialog>
  )
}
