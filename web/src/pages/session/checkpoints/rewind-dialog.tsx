import { useRef, useState } from 'react'
import { makeIdempotencyKey } from '../../../api/idempotency-key.ts'
import { useAction } from '../../../api/use-action.ts'
import { Choices } from '../../../components/choices.tsx'
import { Dialog } from '../../../components/dialog.tsx'
import { type CheckpointLineFragment, type RewindAxis, RewindSessionDocument } from '../../../generated/graphql.ts'
import { toName } from './to-name.ts'

const AXES = [
  { value: 'BOTH', label: 'Both' },
  { value: 'FILES', label: 'Files' },
  { value: 'CONVERSATION', label: 'Conversation' },
] as const

const MEANS: Record<RewindAxis, string> = {
  BOTH: 'The files and what the agent knows are as they were then.',
  FILES: 'The files are as they were then. The agent knows all that it knows now, and is told that its files are older.',
  CONVERSATION: 'The agent knows what it knew then. The files stay as they are now.',
}

type Props = { sessionId: string; to: CheckpointLineFragment; onClose: () => void; onDone: () => void }

/** The way back, with what it does said before it is done: there is no erasing in it, and a rest after it. */
export const RewindDialog = ({ sessionId, to, onClose, onDone }: Props) => {
  const [axis, setAxis] = useState<RewindAxis>('BOTH')
  const rewind = useAction(RewindSessionDocument)
  // Sent again after a broken connection, the same wish is one way back.
  const wish = useRef({ axis, key: '' })
  const choose = (next: RewindAxis) => {
    rewind.forget()
    setAxis(next)
  }
  const submit = async () => {
    if (wish.current.axis !== axis || wish.current.key === '') wish.current = { axis, key: makeIdempotencyKey() }
    if (await rewind.run({ input: { checkpointId: to.id, sessionId, axis, idempotencyKey: wish.current.key } })) {
      onDone()
      onClose()
    }
  }
  return (
    <Dialog
      title={`Rewind to ${toName(to)}`}
      submit="Rewind"
      busy={rewind.busy}
      error={rewind.problem}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <Choices label="What goes back" value={axis} options={AXES} onValue={choose} />
      <p aria-live="polite">{MEANS[axis]}</p>
      <ul className="rewind-facts">
        <li>Nothing is erased: what happened since stays in the log, and its checkpoints may be gone back to in turn.</li>
        <li>The session is paused afterwards, until a message or a resume.</li>
        <li>Every condition that was not waived is judged anew. What was spent stays spent.</li>
      </ul>
    </Dialog>
  )
}
