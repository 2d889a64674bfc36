import { useState } from 'react'
import { useClient } from 'urql'
import { makeIdempotencyKey } from '../../api/idempotency-key.ts'
import { type Problem, problemElsewhere, problemOf, toProblem } from '../../api/problem.ts'
import { useAction } from '../../api/use-action.ts'
import { Dialog } from '../../components/dialog.tsx'
import { TextField } from '../../components/field.tsx'
import { CreateTenantDocument, SetBudgetDocument } from '../../generated/graphql.ts'
import { AtOnceField } from './limits-form.tsx'

export type MadeTenant = { id: string; name: string; adminKey: string | null; capProblem: Problem | null }

/** What the API takes for a slug, made of a name. */
export const toSlug = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-|-$/g, '')

export const NewTenantDialog = ({ onMade, onClose }: { onMade: (tenant: MadeTenant) => void; onClose: () => void }) => {
  const client = useClient()
  const [form, setForm] = useState({ name: '', slug: null as string | null, atOnce: '', capUsd: '' })
  const [idempotencyKey, setIdempotencyKey] = useState(makeIdempotencyKey)
  const create = useAction(CreateTenantDocument)
  const [capping, setCapping] = useState(false)
  const slug = form.slug ?? toSlug(form.name)
  const set = (part: Partial<typeof form>) => {
    setForm({ ...form, ...part })
    setIdempotencyKey(makeIdempotencyKey())
  }
  const submit = async () => {
    const maxConcurrentSessions = form.atOnce.trim() === '' ? null : Number(form.atOnce)
    const done = await create.run({ input: { name: form.name.trim(), slug: slug.trim(), maxConcurrentSessions, idempotencyKey } })
    if (!done) return
    const { tenant, adminKey } = done.createTenant
    // From here on the tenant exists and its key is shown once: whatever becomes of the cap, the key must reach the page.
    setCapping(true)
    const capProblem = form.capUsd.trim() === '' ? null : await setCap(tenant.id)
    onMade({ ...tenant, adminKey, capProblem })
  }
  const setCap = async (scopeId: string): Promise<Problem | null> => {
    const input = { scope: 'TENANT', scopeId, period: 'MONTH', limitUsd: form.capUsd.trim() } as const
    const { error } = await client.mutation(SetBudgetDocument, { input }).toPromise()
    return error ? toProblem(error) : null
  }
  const { problem } = create
  return (
    <Dialog
      title="New tenant"
      submit="Make the tenant"
      busy={create.busy || capping}
      error={problemElsewhere(problem, ['name', 'slug', 'maxConcurrentSessions'])}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <TextField
        label="Name"
        required
        maxLength={200}
        autoFocus
        placeholder="Acme Robotics"
        value={form.name}
        onValue={(name) => set({ name })}
        error={problemOf(problem, 'name')}
      />
      <TextField
        label="Slug"
        required
        spellCheck={false}
        placeholder="acme-robotics"
        hint="Names it in addresses and logs; it can’t be changed."
        value={slug}
        onValue={(value) => set({ slug: value })}
        error={problemOf(problem, 'slug')}
      />
      <AtOnceField
        placeholder="100"
        value={form.atOnce}
        onValue={(atOnce) => set({ atOnce })}
        error={problemOf(problem, 'maxConcurrentSessions')}
      />
      <TextField
        label="Monthly cap in US dollars (may be left out)"
        inputMode="decimal"
        pattern="\s*(\d+(\.\d{1,6})?)?\s*"
        title="An amount such as 250 or 12.50"
        placeholder="no cap"
        hint="Set in the operator’s name: the tenant can’t change it."
        value={form.capUsd}
        onValue={(capUsd) => set({ capUsd })}
      />
    </Dialog>
  )
}
