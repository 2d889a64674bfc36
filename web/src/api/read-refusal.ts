import { type Problem, toUnavailable } from './problem.ts'

/** What an HTTP endpoint's refusal says: JSON with the words of GraphQL's errors. A server in front of the api may answer in its own. */
export const readRefusal = async (response: Response): Promise<Problem> => {
  const said = (await response.json().catch(() => null)) as Record<string, unknown> | null
  const text = (name: string): string | null => (typeof said?.[name] === 'string' ? said[name] : null)
  const [code, message, errorId] = [text('code'), text('message'), text('errorId')]
  if (code === null || message === null) return toUnavailable(response.status)
  return { code, message: errorId === null ? message : `${message} (${errorId})`, field: text('field'), reason: text('reason') }
}
