import type { OpenSessionQuery } from '../generated/graphql.ts'
import query from '../graphql/open-session.graphql?raw'
import { keptKey } from './kept-key.ts'

type Answer = { data?: OpenSessionQuery | null }
type Opening = { key: string; id: string; answer: OpenSessionQuery | null; answered: Promise<void> }

let opening: Opening | null = null

/** Who comes by a session's address with a key has asked for the session before the console's code is there. Anything amiss is left to it. */
export const askForOpening = (): void => {
  const key = keptKey.read()
  const [, id] = /^\/sessions\/(ses_\w+)$/.exec(location.pathname) ?? []
  if (key === null || id === undefined) return
  const request = fetch('/graphql', {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { id } }),
  })
  const asked: Opening = { key, id, answer: null, answered: Promise.resolve() }
  asked.answered = request
    .then((response) => response.json() as Promise<Answer>)
    .then(
      ({ data }) => {
        asked.answer = data ?? null
      },
      () => {},
    )
  opening = asked
}

/** Resolves when the answer is there, or there is nothing to wait for. */
export const openingAnswered = (): Promise<void> => opening?.answered ?? Promise.resolve()

/** Whose key it is, where that was asked and has been answered. */
export const readOpeningViewer = (key: string): OpenSessionQuery['viewer'] | null =>
  opening?.key === key ? (opening.answer?.viewer ?? null) : null

/** The session as it was at the opening, where that has been answered; given once, for it grows old. */
export const takeOpening = (id: string): OpenSessionQuery | null => {
  if (opening?.id !== id || opening.answer === null) return null
  const { answer } = opening
  opening = null
  return answer
}
