import './new-session.css'
import { useRef, useState } from 'react'
import { useQuery } from 'urql'
import { Link, useLocation } from 'wouter'
import { makeIdempotencyKey } from '../../api/idempotency-key.ts'
import { problemOf } from '../../api/problem.ts'
import { may } from '../../api/roles.ts'
import { useSignedIn } from '../../api/session-of-tab.tsx'
import { useAction } from '../../api/use-action.ts'
import { Button } from '../../components/button.tsx'
import { EmptyState } from '../../components/empty-state.tsx'
import { ErrorNote } from '../../components/error-note.tsx'
import { SelectField, TextArea, TextField } from '../../components/field.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { CreateSessionDocument, NewSessionChoicesDocument } from '../../generated/graphql.ts'
import { checkForm } from './check-form.ts'
import { ConditionFields } from './condition-fields.tsx'
import { emptyForm, type Form } from './form.ts'
import { ResourceFields } from './resource-fields.tsx'
import { toInput } from './to-input.ts'

export const NewSessionPage = () => {
  const { viewer } = useSignedIn()
  return (
    <div className="page new-page">
      <PageHead title="New session" />
      {may.work(viewer.role) ? (
        <SessionForm />
      ) : (
        <EmptyState title="Your key may not start sessions">
          <p>Members and admins of a tenant start them.</p>
        </EmptyState>
      )}
    </div>
  )
}

const SessionForm = () => {
  const [, navigate] = useLocation()
  const [{ data: choices, error: choicesError }, again] = useQuery({ query: NewSessionChoicesDocument, requestPolicy: 'cache-and-network' })
  const [form, setForm] = useState(emptyForm)
  const [attempted, setAttempted] = useState(false)
  const create = useAction(CreateSessionDocument)
  // Sent again after a broken connection, the same form is still one session.
  const wish = useRef({ form, key: '' })

  const agents = choices?.agents.edges.map(({ node }) => node).filter(({ archivedAt }) => archivedAt === null) ?? []
  const environments = choices?.environments.edges.map(({ node }) => node).filter(({ archivedAt }) => archivedAt === null) ?? []
  // With one of each there is nothing to choose.
  const filled: Form = {
    ...form,
    agentId: form.agentId || (agents.length === 1 ? (agents[0]?.id ?? '') : ''),
    environmentId: form.environmentId || (environments.length === 1 ? (environments[0]?.id ?? '') : ''),
  }
  const faults = checkForm(filled)
  const faultOf = (path: string, value: string): string | undefined =>
    problemOf(create.problem, path) ?? (attempted || value !== '' ? faults[path] : undefined)
  const change = (part: Partial<Form>) => {
    create.forget()
    setForm((old) => ({ ...old, ...part }))
  }

  const submit = async () => {
    setAttempted(true)
    if (Object.keys(faults).length > 0) {
      requestAnimationFrame(() => document.querySelector<HTMLElement>('.new-form [aria-invalid=true]')?.focus())
      return
    }
    if (wish.current.form !== form || wish.current.key === '') wish.current = { form, key: makeIdempotencyKey() }
    const made = await create.run({ input: { ...toInput(filled), idempotencyKey: wish.current.key } })
    if (made) navigate(`/sessions/${made.createSession.session.id}`)
  }

  return (
    <form
      className="stack new-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      {choicesError && <ErrorNote error={choicesError} onRetry={() => again({ requestPolicy: 'network-only' })} />}
      <section className="card stack">
        <h2>Who, where and what</h2>
        <div className="new-pair">
          <SelectField
            label="Agent"
            value={filled.agentId}
            onValue={(agentId) => change({ agentId })}
            error={faultOf('agentId', form.agentId)}
            hint={choices && agents.length === 0 ? <NoneYet what="agent" /> : undefined}
          >
            <option value="">Choose an agent</option>
            {agents.map((agent) => (
              <option key={agent.id} value={agent.id}>
                {agent.name} v{agent.latest.version} ({agent.latest.model})
              </option>
            ))}
          </SelectField>
          <SelectField
            label="Environment"
            value={filled.environmentId}
            onValue={(environmentId) => change({ environmentId })}
            error={faultOf('environmentId', form.environmentId)}
            hint={choices && environments.length === 0 ? <NoneYet what="environment" /> : undefined}
          >
            <option value="">Choose an environment</option>
            {environments.map(({ id, name, latest }) => (
              <option key={id} value={id}>
                {name} v{latest.version} ({latest.image}, {latest.memoryMb} MB)
              </option>
            ))}
          </SelectField>
        </div>
        <TextField
          label="Title"
          placeholder="may be left out"
          value={form.title}
          onValue={(title) => change({ title })}
          error={faultOf('title', form.title)}
        />
        <TextArea
          label="Prompt"
          rows={5}
          required
          value={form.prompt}
          onValue={(prompt) => change({ prompt })}
          error={faultOf('prompt', form.prompt)}
        />
      </section>
      <section className="card stack">
        <h2>Resources</h2>
        <p className="quiet small">Put into /workspace before the first tool runs.</p>
        <ResourceFields resources={form.resources} faultOf={faultOf} onChange={(resources) => change({ resources })} />
        {faults['resources'] && <ErrorNote error={{ code: '', message: faults['resources'], field: null, reason: null }} />}
      </section>
      <section className="card stack">
        <h2>Done when</h2>
        <p className="quiet small">
          Checked by the platform when the agent says that it is done, out of the agent’s reach. All must hold before the session completes.
          Without any, the session waits for you when the agent ends its turn.
        </p>
        <ConditionFields conditions={form.conditions} faultOf={faultOf} onChange={(conditions) => change({ conditions })} />
      </section>
      <section className="card stack">
        <h2>Limits</h2>
        <div className="new-pair">
          <TextField
            label="Budget in US dollars"
            inputMode="decimal"
            placeholder="no cap of its own"
            hint="The session’s lifetime cap. It is never passed: at the cap the session pauses."
            value={form.budgetUsd}
            onValue={(budgetUsd) => change({ budgetUsd })}
            error={faultOf('budgetUsd', form.budgetUsd)}
          />
          <TextField
            label="Rounds of evaluation"
            inputMode="numeric"
            placeholder="10"
            hint="After so many rounds without success the session waits for a person."
            value={form.maxEvaluations}
            onValue={(maxEvaluations) => change({ maxEvaluations })}
            error={faultOf('maxEvaluations', form.maxEvaluations)}
          />
        </div>
      </section>
      {create.problem && <ErrorNote error={create.problem} />}
      {attempted && Object.keys(faults).length > 0 && (
        <p className="bad" role="alert">
          {Object.keys(faults).length === 1 ? 'One field needs' : `${Object.keys(faults).length} fields need`} your attention above.
        </p>
      )}
      <div className="row">
        <Button type="submit" kind="primary" busy={create.busy}>
          Start the session
        </Button>
        {create.busy && form.resources.some(({ kind }) => kind === 'git') && (
          <span className="quiet small">Looking the repository’s branch up …</span>
        )}
      </div>
    </form>
  )
}

const NoneYet = ({ what }: { what: 'agent' | 'environment' }) => (
  <>
    There is no {what} yet: <Link href={`/${what}s`}>make one</Link>.
  </>
)
