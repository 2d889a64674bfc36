import './agents.css'
import '../../components/version-list.css'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { makeIdempotencyKey } from '../../api/idempotency-key.ts'
import { useAction } from '../../api/use-action.ts'
import { Button } from '../../components/button.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { CreateAgentDocument } from '../../generated/graphql.ts'
import { EMPTY_DRAFT, toCreateInput } from './agent-draft.ts'
import { AgentFields } from './agent-fields.tsx'

export const NewAgentPage = () => {
  const [, navigate] = useLocation()
  const [draft, setDraft] = useState(EMPTY_DRAFT)
  const [idempotencyKey, setIdempotencyKey] = useState(makeIdempotencyKey)
  const create = useAction(CreateAgentDocument)
  const submit = async () => {
    const made = await create.run({ input: { ...toCreateInput(draft), idempotencyKey } })
    if (made) navigate(`/agents/${made.createAgent.agent.id}`)
  }
  return (
    <div className="page">
      <Link href="/agents" className="small">
        Agents
      </Link>
      <PageHead title="New agent" />
      <form
        className="card definition-form"
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <AgentFields
          draft={draft}
          problem={create.problem}
          onDraft={(next) => {
            setDraft(next)
            // Another wish than the one that may have been granted unheard.
            setIdempotencyKey(makeIdempotencyKey())
          }}
        />
        <div>
          <Button type="submit" kind="primary" busy={create.busy}>
            Create the agent
          </Button>
        </div>
      </form>
    </div>
  )
}
