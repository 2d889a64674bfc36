import '../../new-session/new-session.css'
import { useRef, useState } from 'react'
import { makeIdempotencyKey } from '../../../api/idempotency-key.ts'
import { problemElsewhere, problemOf } from '../../../api/problem.ts'
import { useAction } from '../../../api/use-action.ts'
import { Choices } from '../../../components/choices.tsx'
import { Dialog } from '../../../components/dialog.tsx'
import { AddDoneConditionDocument, type SessionStateFragment } from '../../../generated/graphql.ts'
import { checkCondition } from '../../new-session/check-form.ts'
import { KINDS, OneCondition } from '../../new-session/condition-fields.tsx'
import { emptyCondition } from '../../new-session/form.ts'
import { toConditionInput } from '../../new-session/to-input.ts'

const OPTIONS = KINDS.map(({ kind, label, explains }) => ({ value: kind, label, title: explains }))

/** One condition more for a session that exists, with the form that a new session has. */
export const AddConditionDialog = (props: { session: SessionStateFragment; onClose: () => void; onChanged: () => void }) => {
  const { session } = props
  const [draft, setDraft] = useState(() => emptyCondition('COMMAND'))
  const [attempted, setAttempted] = useState(false)
  const add = useAction(AddDoneConditionDocument)
  // Sent again after a broken connection, the same condition is still one.
  const wish = useRef({ draft, key: '' })
  const faults = checkCondition(
    draft,
    session.doneConditions.map(({ name }) => name),
  )
  const faultOf = (path: string, value: string): string | undefined =>
    problemOf(add.problem, `condition.${path}`) ?? (attempted || value !== '' ? faults[path] : undefined)

  const submit = async () => {
    setAttempted(true)
    if (Object.keys(faults).length > 0) {
      requestAnimationFrame(() => document.querySelector<HTMLElement>('dialog [aria-invalid=true]')?.focus())
      return
    }
    if (wish.current.draft !== draft || wish.current.key === '') wish.current = { draft, key: makeIdempotencyKey() }
    const input = { sessionId: session.id, condition: toConditionInput(draft), idempotencyKey: wish.current.key }
    if (await add.run({ input })) {
      props.onChanged()
      props.onClose()
    }
  }
  const shown = ['name', 'spec'].map((path) => `condition.${path}`)
  return (
    <Dialog
      title="Add a condition"
      submit="Add the condition"
      busy={add.busy}
      error={problemElsewhere(add.problem, shown)}
      onSubmit={() => void submit()}
      onClose={props.onClose}
    >
      <p>
        {session.status === 'COMPLETED'
          ? 'The session has completed, and stays so until a message opens it again: from then on this must hold too.'
          : 'From now on this must hold too before the session may complete. The agent is told when it does not.'}
      </p>
      <Choices
        label="Kind of condition"
        value={draft.kind}
        options={OPTIONS}
        onValue={(kind) => {
          add.forget()
          setDraft({ ...draft, kind })
        }}
      />
      <OneCondition
        condition={draft}
        faultOf={faultOf}
        onChange={(changed) => {
          add.forget()
          setDraft(changed)
        }}
      />
    </Dialog>
  )
}
