import { useState } from 'react'
import { problemElsewhere, problemOf } from '../../api/problem.ts'
import { useAction } from '../../api/use-action.ts'
import { Button } from '../../components/button.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { TextField } from '../../components/field.tsx'
import { UpdateTenantDocument } from '../../generated/graphql.ts'
import { RETENTION_PATHS, RetentionFields, toRetention, toRetentionDraft } from './retention-fields.tsx'
import type { TenantRow } from './tenant-row.ts'

/** A tenant's name, how much of the platform it may take at once, and how much of what it has done is kept. */
export const LimitsForm = ({ row, onChanged }: { row: TenantRow; onChanged: () => void }) => {
  const [name, setName] = useState(row.name)
  const [atOnce, setAtOnce] = useState(String(row.maxConcurrentSessions))
  const [retention, setRetention] = useState(() => toRetentionDraft(row.checkpointRetention))
  const [saved, setSaved] = useState(false)
  const update = useAction(UpdateTenantDocument)
  const { problem } = update
  const submit = async () => {
    setSaved(false)
    const limits = { maxConcurrentSessions: Number(atOnce), checkpointRetention: toRetention(retention) }
    if (!(await update.run({ input: { id: row.id, name: name.trim(), ...limits } }))) return
    setSaved(true)
    onChanged()
  }
  const elsewhere = problemElsewhere(problem, ['name', 'maxConcurrentSessions', ...RETENTION_PATHS])
  return (
    <form
      className="card stack"
      aria-label={`Limits of ${row.name}`}
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <h2>Name and limits</h2>
      <TextField label="Name" required maxLength={200} value={name} onValue={setName} error={problemOf(problem, 'name')} />
      <AtOnceField value={atOnce} onValue={setAtOnce} error={problemOf(problem, 'maxConcurrentSessions')} />
      <RetentionFields draft={retention} onDraft={setRetention} problem={problem} />
      <div className="row">
        <Button type="submit" kind="primary" busy={update.busy}>
          Save
        </Button>
        <span role="status" className="good small">
          {saved && 'Saved.'}
        </span>
      </div>
      {elsewhere && <ErrorNote error={elsewhere} />}
    </form>
  )
}

export const AtOnceField = (props: {
  value: string
  onValue: (value: string) => void
  error: string | undefined
  placeholder?: string
}) => (
  <TextField
    {...props}
    label="Sessions that run a turn at once"
    inputMode="numeric"
    pattern="\s*\d*\s*"
    title="A whole number"
    hint="More wait, and are not lost."
  />
)
