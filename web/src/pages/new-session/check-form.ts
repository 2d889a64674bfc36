import { type ConditionDraft, type Form, type ResourceDraft, toLines } from './form.ts'

/** What is wrong, by the path of the API's input, such as `doneConditions.0.spec.command.run`. The API decides; this only says it earlier. */
export type Faults = Record<string, string>

/** A request holds at most 8 MB, and base64 makes files a third larger. */
const MAX_RESOURCE_BYTES = 5_500_000

export const checkForm = (form: Form): Faults => {
  const faults: Faults = {}
  const fault = (path: string, why: string | null) => {
    if (why !== null) faults[path] = why
  }
  fault('agentId', form.agentId === '' ? 'Choose who works.' : null)
  fault('environmentId', form.environmentId === '' ? 'Choose where its tools run.' : null)
  fault('prompt', form.prompt.trim() === '' ? 'Say what is to be done.' : null)
  fault('title', form.title.length > 200 || form.title.includes('\n') ? 'At most 200 characters on one line.' : null)
  fault('budgetUsd', checkUsd(form.budgetUsd))
  fault('maxEvaluations', checkWhole(form.maxEvaluations, 1, 1_000))
  form.conditions.forEach((condition, index) => {
    const taken = form.conditions.slice(0, index).map(({ name }) => name)
    for (const [path, why] of Object.entries(checkCondition(condition, taken))) fault(`doneConditions.${index}.${path}`, why)
  })
  form.resources.forEach((resource, index) => {
    for (const [path, why] of Object.entries(checkResource(resource))) fault(`resources.${index}.${path}`, why)
  })
  if (form.resources.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > MAX_RESOURCE_BYTES)
    fault('resources', 'All files together must stay below 5.5 MB. Put larger ones into a repository.')
  return faults
}

/** By the path below the condition; `taken` are the names of the session's others. */
export const checkCondition = (condition: ConditionDraft, taken: readonly string[]): Faults => {
  const faults: Faults = {}
  const name = checkName(condition, taken)
  if (name !== null) faults['name'] = name
  for (const [path, why] of Object.entries(checkSpec(condition))) if (why !== null) faults[`spec.${path}`] = why
  return faults
}

const checkName = ({ name }: ConditionDraft, taken: readonly string[]): string | null => {
  if (name.trim() === '' || name.length > 100) return 'A name of 1 to 100 characters.'
  return taken.some((other) => other.trim() === name.trim()) ? 'Another condition has this name.' : null
}

const checkSpec = (draft: ConditionDraft): Record<string, string | null> => {
  switch (draft.kind) {
    case 'COMMAND':
      return {
        'command.run': draft.run.trim() === '' ? 'A shell command.' : null,
        'command.expectExit': checkWhole(draft.expectExit, 0, 255),
        'command.timeoutSeconds': checkWhole(draft.timeoutSeconds, 1, 3_600),
        'command.protect': checkGlobs(draft.protect, 0),
      }
    case 'FILE':
      return {
        'file.path': checkPath(draft.path),
        'file.matches': draft.fileTest === 'matches' ? checkPattern(draft.matches) : null,
        'file.jsonSchema': draft.fileTest === 'jsonSchema' ? checkJson(draft.jsonSchema) : null,
      }
    case 'UNCHANGED':
      return { 'unchanged.paths': checkGlobs(draft.paths, 1) }
    case 'RUBRIC':
      return { 'rubric.rubric': draft.rubric.trim() === '' ? 'What the judge is to look for.' : null }
  }
}

const checkResource = (draft: ResourceDraft): Record<string, string | null> =>
  draft.kind === 'git'
    ? {
        'git.url': /^https:\/\/[^\s/?#@]+\/[^\s?#]+$/.test(draft.url.trim()) ? null : 'An https address, without user, query or fragment.',
        'git.path': checkPath(draft.path, { orAll: true }),
      }
    : { 'file.path': checkPath(draft.path) }

const checkPath = (path: string, { orAll = false } = {}): string | null => {
  const below = path.trim().replace(/^\/workspace(\/|$)/, '')
  if (orAll && (below === '.' || (below === '' && path.trim() !== ''))) return null
  const names = below.split('/').filter((name) => name !== '' && name !== '.')
  return below.startsWith('/') || names.length === 0 || names.includes('..') ? 'A path below /workspace, without “..”.' : null
}

const checkGlobs = (text: string, least: number): string | null => {
  const lines = toLines(text)
  if (lines.length < least) return 'One path or glob a line, such as tests/**.'
  if (lines.length > 100) return 'At most 100.'
  const bad = lines.find((line) => checkPath(line) !== null)
  return bad === undefined ? null : `“${bad}” is no path below /workspace.`
}

const checkWhole = (text: string, least: number, most: number): string | null => {
  if (text.trim() === '') return null
  return /^\d+$/.test(text.trim()) && Number(text) >= least && Number(text) <= most ? null : `A whole number from ${least} to ${most}.`
}

const checkUsd = (text: string): string | null => {
  if (text.trim() === '') return null
  return /^\d{1,9}(\.\d{1,6})?$/.test(text.trim()) ? null : 'Dollars with up to six places, such as 1.50.'
}

/** RE2 is checked by the API; what it has not, people know from elsewhere. */
const checkPattern = (pattern: string): string | null => {
  if (pattern === '') return 'A pattern.'
  if (/\(\?<?[=!]/.test(pattern)) return 'RE2 has no look-ahead and no look-behind.'
  return /(^|[^\\])(\\\\)*\\[1-9]/.test(pattern) ? 'RE2 has no back-references.' : null
}

const checkJson = (text: string): string | null => {
  try {
    const schema: unknown = JSON.parse(text)
    return typeof schema === 'boolean' || (typeof schema === 'object' && schema !== null) ? null : 'A JSON Schema is an object.'
  } catch (error) {
    return error instanceof Error ? error.message : 'This is no JSON.'
  }
}
