import { useId } from 'react'
import { useQuery } from 'urql'
import { type Problem, problemElsewhere, problemOf } from '../../api/problem.ts'
import { ErrorNote } from '../../components/error-note.tsx'
import { TextArea, TextField } from '../../components/field.tsx'
import { AgentsDocument } from '../../generated/graphql.ts'
import type { AgentDraft } from './agent-draft.ts'
import { ToolGrants } from './tool-grants.tsx'

type Props = { draft: AgentDraft; onDraft: (draft: AgentDraft) => void; problem: Problem | null }

/** What an agent is made of, with what the API says about each part beside it. */
export const AgentFields = ({ draft, onDraft, problem }: Props) => {
  const set = (part: Partial<AgentDraft>) => onDraft({ ...draft, ...part })
  const models = useId()
  return (
    <>
      <TextField
        label="Name"
        required
        maxLength={200}
        value={draft.name}
        onValue={(name) => set({ name })}
        error={problemOf(problem, 'name')}
      />
      <div className="agent-models">
        <TextField
          label="Model"
          required
          spellCheck={false}
          list={models}
          placeholder="claude-sonnet-5-5"
          value={draft.model}
          onValue={(model) => set({ model })}
          error={problemOf(problem, 'model')}
        />
        <TextField
          label="Judge of rubrics (may be left out)"
          spellCheck={false}
          list={models}
          placeholder="the platform’s default"
          hint="Judges in a conversation of its own."
          value={draft.judgeModel}
          onValue={(judgeModel) => set({ judgeModel })}
          error={problemOf(problem, 'judgeModel')}
        />
      </div>
      <ModelsInUse id={models} />
      <TextArea
        label="Instructions (may be left out)"
        rows={8}
        hint="The agent reads them before each session’s prompt."
        value={draft.system}
        onValue={(system) => set({ system })}
        error={problemOf(problem, 'system')}
      />
      <ToolGrants grants={draft.tools} onGrants={(tools) => set({ tools })} error={problemOf(problem, 'tools')} />
      <Elsewhere problem={problemElsewhere(problem, ['name', 'model', 'judgeModel', 'system', 'tools'])} />
    </>
  )
}

const Elsewhere = ({ problem }: { problem: Problem | null }) => (problem ? <ErrorNote error={problem} /> : null)

/** Models that this tenant's agents work with, offered while one types. */
const ModelsInUse = ({ id }: { id: string }) => {
  const [{ data }] = useQuery({ query: AgentsDocument, variables: {} })
  return (
    <datalist id={id}>
      {[...new Set(data?.agents.edges.map(({ node }) => node.latest.model))].map((model) => (
        <option key={model} value={model} />
      ))}
    </datalist>
  )
}
