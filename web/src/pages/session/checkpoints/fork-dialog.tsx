import { useRef, useState } from 'react'
import { useQuery } from 'urql'
import { makeIdempotencyKey } from '../../../api/idempotency-key.ts'
import { type Problem, problemElsewhere, problemOf } from '../../../api/problem.ts'
import { useAction } from '../../../api/use-action.ts'
import { Button } from '../../../components/button.tsx'
import { Dialog } from '../../../components/dialog.tsx'
import { SelectField, TextArea, TextField } from '../../../components/field.tsx'
import { AgentsDocument, type AgentsQuery, type CheckpointLineFragment, ForkSessionDocument } from '../../../generated/graphql.ts'
import { toName } from './to-name.ts'

type ForkDraft = { key: number; title: string; prompt: string; budgetUsd: string; agentId: string }

type Agent = AgentsQuery['agents']['edges'][number]['node']

/** The API makes no more at once. */
const MAX_FORKS = 20
const FIELDS = ['title', 'prompt', 'budgetUsd', 'agentId'] as const

const emptyFork = (key: number): ForkDraft => ({ key, title: '', prompt: '', budgetUsd: '', agentId: '' })

/** One point, several ways on from it: a prompt, a title and a budget for each. */
export const ForkDialog = ({ from, onClose, onDone }: { from: CheckpointLineFragment; onClose: () => void; onDone: () => void }) => {
  const [forks, setForks] = useState([emptyFork(1), emptyFork(2)])
  const fork = useAction(ForkSessionDocument)
  const [{ data }] = useQuery({ query: AgentsDocument, variables: {} })
  const agents = data?.agents.edges.map(({ node }) => node).filter(({ archivedAt }) => !archivedAt) ?? []
  // Sent again after a broken connection, the same wish makes no further forks.
  const wish = useRef({ forks, key: '' })
  const change = (next: ForkDraft[]) => {
    fork.forget()
    setForks(next)
  }
  const submit = async () => {
    if (wish.current.forks !== forks || wish.current.key === '') wish.current = { forks, key: makeIdempotencyKey() }
    const made = await fork.run({ input: { checkpointId: from.id, forks: forks.map(toForkInput), idempotencyKey: wish.current.key } })
    if (made) {
      onDone()
      onClose()
    }
  }
  const shown = forks.flatMap((_, index) => FIELDS.map((field) => `forks.${index}.${field}`))
  return (
    <Dialog
      title={`Fork from ${toName(from)}`}
      submit={forks.length === 1 ? 'Make the fork' : `Make ${forks.length} forks`}
      busy={fork.busy}
      error={problemElsewhere(fork.problem, shown)}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <p>
        Each is a session of its own that begins with the log, the context and the files of this point. This session is untouched. What is
        left out is as this session has it; without a prompt a fork goes on where this one stood.
      </p>
      {forks.map((draft, index) => (
        <ForkFields
          key={draft.key}
          draft={draft}
          number={index + 1}
          agents={agents}
          faultOf={(field) => faultOf(fork.problem, index, field)}
          onChange={(changed) => change(forks.map((one) => (one.key === changed.key ? changed : one)))}
          onRemove={forks.length > 1 ? () => change(forks.filter(({ key }) => key !== draft.key)) : null}
        />
      ))}
      {forks.length < MAX_FORKS && (
        <div>
          <Button size="small" onClick={() => change([...forks, emptyFork(Math.max(...forks.map(({ key }) => key)) + 1)])}>
            Add another
          </Button>
        </div>
      )}
    </Dialog>
  )
}

const faultOf = (problem: Problem | null, index: number, field: (typeof FIELDS)[number]) => problemOf(problem, `forks.${index}.${field}`)

const toForkInput = ({ title, prompt, budgetUsd, agentId }: ForkDraft) => ({
  title: title.trim() || null,
  prompt: prompt.trim() === '' ? null : prompt,
  budgetUsd: budgetUsd.trim() || null,
  agentId: agentId || null,
})

const ForkFields = (props: {
  draft: ForkDraft
  number: number
  agents: Agent[]
  faultOf: (field: (typeof FIELDS)[number]) => string | undefined
  onChange: (draft: ForkDraft) => void
  onRemove: (() => void) | null
}) => {
  const { draft, number, agents, faultOf: fault, onChange, onRemove } = props
  return (
    <fieldset className="fork-fields">
      <legend>Fork {number}</legend>
      <TextArea label="Prompt" rows={2} value={draft.prompt} onValue={(prompt) => onChange({ ...draft, prompt })} error={fault('prompt')} />
      <div className="fork-pair">
        <TextField label="Title" value={draft.title} onValue={(title) => onChange({ ...draft, title })} error={fault('title')} />
        <TextField
          label="Budget in US dollars"
          inputMode="decimal"
          placeholder="as this one’s"
          value={draft.budgetUsd}
          onValue={(budgetUsd) => onChange({ ...draft, budgetUsd })}
          error={fault('budgetUsd')}
        />
        <SelectField label="Agent" value={draft.agentId} onValue={(agentId) => onChange({ ...draft, agentId })} error={fault('agentId')}>
          <option value="">as this one’s</option>
          {agents.map(({ id, name, latest }) => (
            <option key={id} value={id}>
              {name} v{latest.version}, {latest.model}
            </option>
          ))}
        </SelectField>
      </div>
      {onRemove && (
        <Button size="small" kind="quiet" aria-label={`Remove fork ${number}`} onClick={onRemove}>
          Remove
        </Button>
      )}
    </fieldset>
  )
}
