import { useRef, useState } from 'react'
import { makeIdempotencyKey } from '../../../api/idempotency-key.ts'
import { problemElsewhere, problemOf } from '../../../api/problem.ts'
import { useAction } from '../../../api/use-action.ts'
import { Dialog } from '../../../components/dialog.tsx'
import { TextField } from '../../../components/field.tsx'
import { CreateCheckpointDocument } from '../../../generated/graphql.ts'

/** A checkpoint by hand: the labelled ones are those that people find again. */
export const CheckpointDialog = (props: { sessionId: string; onClose: () => void; onDone: () => void }) => {
  const [label, setLabel] = useState('')
  const take = useAction(CreateCheckpointDocument)
  // Sent again after a broken connection, the same label is still one checkpoint.
  const wish = useRef({ label, key: '' })
  const submit = async () => {
    if (wish.current.label !== label || wish.current.key === '') wish.current = { label, key: makeIdempotencyKey() }
    const input = { sessionId: props.sessionId, label: label.trim() || null, idempotencyKey: wish.current.key }
    if (await take.run({ input })) {
      props.onDone()
      props.onClose()
    }
  }
  return (
    <Dialog
      title="Take a checkpoint"
      submit="Take it"
      busy={take.busy}
      error={problemElsewhere(take.problem, ['label'])}
      onSubmit={() => void submit()}
      onClose={props.onClose}
    >
      <p>The files, the agent’s context and the log as they are. While a turn runs, it is taken before the model is asked again.</p>
      <TextField
        label="Label"
        placeholder="before the rewrite"
        hint="May be left out. Labelled checkpoints are never thinned out."
        value={label}
        onValue={setLabel}
        error={problemOf(take.problem, 'label')}
      />
    </Dialog>
  )
}
