import { stringifyDocument, type TypedDocumentNode } from '@urql/core'
import { patientFetch } from './patient-fetch.ts'
import { OFFLINE, type Problem, toProblem, toUnavailable } from './problem.ts'

export type Answer<T> = { data: T | null; problem: Problem | null }
/** One query that nobody keeps: urql's cache holds every answer for good, which is too much of a log that is scrolled through. */
export type Ask = <T, V extends Record<string, unknown>>(document: TypedDocumentNode<T, V>, variables: V) => Promise<Answer<T>>

/** `onRefused` is called when the key is no longer good. */
export const createAsk =
  (key: string, onRefused: () => void): Ask =>
  async (document, variables) => {
    const answer = await readAnswer(() =>
      patientFetch('/graphql', {
        method: 'POST',
        headers: toHeaders(key),
        body: JSON.stringify({ query: stringifyDocument(document), variables }),
      }),
    )
    if (answer.problem?.code === 'UNAUTHENTICATED') onRefused()
    return answer as Answer<never>
  }

const toHeaders = (key: string) => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' })

/** What was answered; `data` may come with a problem of a part of it. */
const readAnswer = async <T>(send: () => Promise<Response>): Promise<Answer<T>> => {
  try {
    const response = await send()
    const answer = (await response.json().catch(() => null)) as { data?: T | null; errors?: unknown[] } | null
    if (answer === null) return { data: null, problem: toUnavailable(response.status) }
    const { data = null, errors = [] } = answer
    return { data, problem: errors.length > 0 ? toProblem(errors) : null }
  } catch {
    return { data: null, problem: OFFLINE } // nobody answered
  }
}
