import { useState } from 'react'
import { makeIdempotencyKey } from '../../api/idempotency-key.ts'
import { problemElsewhere, problemOf } from '../../api/problem.ts'
import { useAction } from '../../api/use-action.ts'
import { Dialog } from '../../components/dialog.tsx'
import { SelectField, TextField } from '../../components/field.tsx'
import { CreateApiKeyDocument, type Role } from '../../generated/graphql.ts'
import { LIFETIMES, toExpiry } from './key-state.ts'

const ROLES: { role: Role; words: string }[] = [
  { role: 'VIEWER', words: 'Reads everything of the tenant, and changes nothing.' },
  { role: 'MEMBER', words: 'Also starts sessions, sends messages, pauses, resumes and cancels.' },
  { role: 'ADMIN', words: 'Also agents, environments, keys, caps and waivers.' },
]

type Props = {
  /** For an operator, who belongs to none. */
  tenantId: string | null
  onMade: (key: { name: string; secret: string | null }) => void
  onClose: () => void
}

export const NewKeyDialog = ({ tenantId, onMade, onClose }: Props) => {
  const [form, setForm] = useState({ name: '', role: 'MEMBER' as Role, lifetime: '90', date: '' })
  // One wish, one key: sent again after a lost answer, it makes no second one. Another form is another wish, counted from its own now.
  const [wish, setWish] = useState(() => ({ idempotencyKey: makeIdempotencyKey(), now: Date.now() }))
  const create = useAction(CreateApiKeyDocument)
  const set = (part: Partial<typeof form>) => {
    setForm({ ...form, ...part })
    setWish({ idempotencyKey: makeIdempotencyKey(), now: Date.now() })
  }
  const submit = async () => {
    const { name, role } = form
    const { idempotencyKey, now } = wish
    const done = await create.run({ input: { tenantId, name: name.trim(), role, expiresAt: toExpiry(form, now), idempotencyKey } })
    if (done) onMade({ name: done.createApiKey.apiKey.name, secret: done.createApiKey.secret ?? null })
  }
  const { problem } = create
  const expiryError = problemOf(problem, 'expiresAt')
  return (
    <Dialog
      title="New key"
      submit="Make the key"
      busy={create.busy}
      error={problemElsewhere(problem, ['name', 'role', 'expiresAt'])}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <TextField
        label="Name"
        required
        maxLength={200}
        autoFocus
        placeholder="ci, or a person’s name"
        value={form.name}
        onValue={(name) => set({ name })}
        error={problemOf(problem, 'name')}
      />
      <fieldset className="key-roles">
        <legend className="field-label">Role</legend>
        {ROLES.map(({ role, words }) => (
          <label key={role}>
            <input type="radio" name="role" checked={form.role === role} onChange={() => set({ role })} />
            <strong>{role.toLowerCase()}</strong>
            <span className="quiet small">{words}</span>
          </label>
        ))}
        {problemOf(problem, 'role') && <span className="field-error">{problemOf(problem, 'role')}</span>}
      </fieldset>
      <SelectField
        label="Expires"
        value={form.lifetime}
        onValue={(lifetime) => set({ lifetime })}
        error={form.lifetime === 'date' ? undefined : expiryError}
      >
        {LIFETIMES.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </SelectField>
      {form.lifetime === 'date' && (
        <TextField label="Last day" type="date" required value={form.date} onValue={(date) => set({ date })} error={expiryError} />
      )}
    </Dialog>
  )
}
