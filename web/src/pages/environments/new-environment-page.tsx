import './environments.css'
import '../../components/version-list.css'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { makeIdempotencyKey } from '../../api/idempotency-key.ts'
import { useAction } from '../../api/use-action.ts'
import { Button } from '../../components/button.tsx'
import { PageHead } from '../../components/page-head.tsx'
import { CreateEnvironmentDocument } from '../../generated/graphql.ts'
import { EMPTY_DRAFT, toCreateInput } from './environment-draft.ts'
import { EnvironmentFields } from './environment-fields.tsx'

export const NewEnvironmentPage = () => {
  const [, navigate] = useLocation()
  const [draft, setDraft] = useState(EMPTY_DRAFT)
  const [idempotencyKey, setIdempotencyKey] = useState(makeIdempotencyKey)
  const create = useAction(CreateEnvironmentDocument)
  const submit = async () => {
    const made = await create.run({ input: { ...toCreateInput(draft), idempotencyKey } })
    if (made) navigate(`/environments/${made.createEnvironment.environment.id}`)
  }
  return (
    <div className="page">
      <Link href="/environments" className="small">
        Environments
      </Link>
      <PageHead title="New environment" />
      <form
        className="card definition-form"
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <EnvironmentFields
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
            Create the environment
          </Button>
        </div>
      </form>
    </div>
  )
}
