import { CombinedError } from '@urql/core'

/** What went wrong, in the API's own words where it has answered. */
export type Problem = {
  /** One of the API's closed codes; OFFLINE where nobody answered. */
  code: string
  message: string
  /** BAD_USER_INPUT: the path of the input, such as `input.doneConditions.0.spec.command.run`, and what would be accepted. */
  field: string | null
  reason: string | null
}

type GraphQLFault = { message: string; extensions?: Record<string, unknown> }

export const OFFLINE: Problem = {
  code: 'OFFLINE',
  message: 'The api does not answer. What you see may be old; nothing you send arrives until the connection is back.',
  field: null,
  reason: null,
}

/** From whatever was thrown or answered: a CombinedError, a socket's list of errors, an Error. */
export const toProblem = (error: unknown): Problem => {
  const first = firstFault(error)
  if (first) return fromFault(first)
  // A server in front of the api may answer in its own words, or nobody does.
  if (error instanceof CombinedError && error.response instanceof Response && error.response.status >= 400)
    return toUnavailable(error.response.status)
  if (error instanceof CombinedError || error instanceof Event || error instanceof CloseEvent) return OFFLINE
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error), field: null, reason: null }
}

export const toUnavailable = (status: number): Problem => ({
  ...OFFLINE,
  code: 'UNAVAILABLE',
  message: `The api answered with HTTP ${status}. Try again in a moment.`,
})

const firstFault = (error: unknown): GraphQLFault | undefined => {
  if (error instanceof CombinedError) return error.graphQLErrors[0]
  return Array.isArray(error) ? (error[0] as GraphQLFault) : undefined
}

const fromFault = ({ message, extensions = {} }: GraphQLFault): Problem => {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  const code = text(extensions['code']) ?? 'INTERNAL'
  const errorId = text(extensions['errorId'])
  return {
    code,
    message: errorId === null ? message : `${message} (${errorId})`,
    field: text(extensions['field']),
    reason: text(extensions['reason']),
  }
}

/** What a form shows beside the field `path` (of the input, without `input.`), or nothing. */
export const problemOf = (problem: Problem | null, path: string): string | undefined => {
  const field = problem?.field
  // An item of a list is named by its place, and shown at the list's field.
  if (field !== `input.${path}` && !field?.startsWith(`input.${path}.`)) return undefined
  if (!problem?.reason) return problem?.message
  // The schema's own scalars say the whole of it.
  return problem.reason.startsWith('must ') ? `M${problem.reason.slice(1)}.` : `Must be ${problem.reason}.`
}

/** The problem, unless one of the fields at `paths` shows it: what a form says at its end. */
export const problemElsewhere = (problem: Problem | null, paths: readonly string[]): Problem | null =>
  paths.some((path) => problemOf(problem, path) !== undefined) ? null : problem
