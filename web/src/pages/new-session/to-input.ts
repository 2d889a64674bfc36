import type { ConditionSpecInput, CreateSessionInput, DoneConditionInput, ResourceInput } from '../../generated/graphql.ts'
import { type ConditionDraft, type Form, type ResourceDraft, toLines } from './form.ts'

/** A form that `checkForm` finds nothing wrong with, in the API's words. What was left empty is left to the API's defaults. */
export const toInput = (form: Form): CreateSessionInput => ({
  agentId: form.agentId,
  environmentId: form.environmentId,
  title: form.title.trim() || null,
  prompt: form.prompt,
  budgetUsd: form.budgetUsd.trim() || null,
  maxEvaluations: toWhole(form.maxEvaluations),
  doneConditions: form.conditions.map(toConditionInput),
  resources: form.resources.map(toResource),
})

export const toConditionInput = (draft: ConditionDraft): DoneConditionInput => ({ name: draft.name.trim(), spec: toSpec(draft) })

const toSpec = (draft: ConditionDraft): ConditionSpecInput => {
  switch (draft.kind) {
    case 'COMMAND':
      return {
        command: {
          run: draft.run,
          expectExit: toWhole(draft.expectExit),
          timeoutSeconds: toWhole(draft.timeoutSeconds),
          protect: toLines(draft.protect),
        },
      }
    case 'FILE':
      return { file: { path: draft.path.trim(), ...toFileTest(draft) } }
    case 'UNCHANGED':
      return { unchanged: { paths: toLines(draft.paths) } }
    case 'RUBRIC':
      return { rubric: { rubric: draft.rubric, model: draft.model.trim() || null } }
  }
}

const toFileTest = ({ fileTest, matches, jsonSchema }: ConditionDraft) => {
  if (fileTest === 'matches') return { matches }
  if (fileTest === 'jsonSchema') return { jsonSchema: JSON.parse(jsonSchema) as unknown }
  return { exists: fileTest === 'exists' }
}

const toResource = ({ kind, url, ref, path, text, base64 }: ResourceDraft): ResourceInput => {
  if (kind === 'git') return { git: { url: url.trim(), ref: ref.trim() || null, path: path.trim() } }
  return { file: base64 === null ? { path: path.trim(), text } : { path: path.trim(), base64 } }
}

const toWhole = (text: string): number | null => (text.trim() === '' ? null : Number(text))
