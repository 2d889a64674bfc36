import type { ConditionKind } from '../../generated/graphql.ts'

/** What stands in the form, as it was typed. Each condition and resource has fields of all its kinds, so that a change of kind loses nothing. */
export type Form = {
  agentId: string
  environmentId: string
  title: string
  prompt: string
  budgetUsd: string
  maxEvaluations: string
  conditions: ConditionDraft[]
  resources: ResourceDraft[]
}

export type ConditionDraft = {
  key: number
  kind: ConditionKind
  name: string
  run: string
  expectExit: string
  timeoutSeconds: string
  /** Globs, one a line. */
  protect: string
  path: string
  fileTest: FileTest
  matches: string
  jsonSchema: string
  /** Globs, one a line. */
  paths: string
  rubric: string
  model: string
}

export type FileTest = 'exists' | 'absent' | 'matches' | 'jsonSchema'

export type ResourceDraft = {
  key: number
  kind: 'git' | 'file'
  url: string
  ref: string
  path: string
  text: string
  /** Of a file that was chosen from this machine; replaces `text`. */
  base64: string | null
  sizeBytes: number
}

let lastKey = 0
const nextKey = (): number => ++lastKey

export const emptyForm = (): Form => ({
  agentId: '',
  environmentId: '',
  title: '',
  prompt: '',
  budgetUsd: '',
  maxEvaluations: '',
  conditions: [],
  resources: [],
})

export const emptyCondition = (kind: ConditionKind): ConditionDraft => ({
  key: nextKey(),
  kind,
  name: '',
  run: '',
  expectExit: '',
  timeoutSeconds: '',
  protect: '',
  path: '',
  fileTest: 'exists',
  matches: '',
  jsonSchema: '',
  paths: '',
  rubric: '',
  model: '',
})

export const emptyResource = (kind: ResourceDraft['kind']): ResourceDraft => ({
  key: nextKey(),
  kind,
  url: '',
  ref: '',
  path: '',
  text: '',
  base64: null,
  sizeBytes: 0,
})

/** The lines that hold something. */
export const toLines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
