// pages/agents owns who works: agents, their versions, and the forms that make and change them. It must never write a version that
// exists: a change is a new one.
import type { AgentDefinitionFragment, CreateAgentInput, Permission, UpdateAgentInput } from '../../generated/graphql.ts'

/** A form's state: texts as typed. */
export type AgentDraft = {
  name: string
  model: string
  judgeModel: string
  system: string
  /** Tools that are not named may be used always. */
  tools: Record<string, Permission>
}

export const EMPTY_DRAFT: AgentDraft = { name: '', model: '', judgeModel: '', system: '', tools: {} }

export const toDraft = (name: string, version: AgentDefinitionFragment): AgentDraft => ({
  name,
  model: version.model,
  judgeModel: version.judgeModel ?? '',
  system: version.system ?? '',
  tools: Object.fromEntries(version.tools.map((grant) => [grant.name, grant.permission])),
})

const toGrants = (tools: AgentDraft['tools']) =>
  Object.entries(tools)
    .map(([name, permission]) => ({ name, permission }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))

const orNull = (text: string): string | null => (text.trim() === '' ? null : text)

export const toCreateInput = (draft: AgentDraft): CreateAgentInput => ({
  name: draft.name.trim(),
  model: draft.model.trim(),
  judgeModel: orNull(draft.judgeModel.trim()),
  system: orNull(draft.system),
  tools: toGrants(draft.tools),
})

type Changes = Omit<UpdateAgentInput, 'id' | 'expectedVersion'>

/** Only what differs: what is left out stays. Nothing differs: null, as there would be nothing to make a version of. */
export const toChanges = (draft: AgentDraft, before: AgentDraft): Changes | null => {
  const [wanted, known] = [toCreateInput(draft), toCreateInput(before)]
  const changes: Changes = {
    ...(wanted.name !== known.name && { name: wanted.name }),
    ...(wanted.model !== known.model && { model: wanted.model }),
    ...(wanted.judgeModel !== known.judgeModel && { judgeModel: wanted.judgeModel ?? null }),
    ...(wanted.system !== known.system && { system: wanted.system ?? null }),
    ...(JSON.stringify(wanted.tools) !== JSON.stringify(known.tools) && { tools: wanted.tools ?? [] }),
  }
  return Object.keys(changes).length === 0 ? null : changes
}

/** In which of its parts a version differs from the one before it, in words. */
export const toDifferences = (version: AgentDefinitionFragment, before: AgentDefinitionFragment): string[] => {
  const changes = toChanges(toDraft('', version), toDraft('', before)) ?? {}
  const words: [keyof Changes, string][] = [
    ['model', 'model'],
    ['judgeModel', 'judge'],
    ['system', 'instructions'],
    ['tools', 'tools'],
  ]
  return words.filter(([name]) => name in changes).map(([, word]) => word)
}
