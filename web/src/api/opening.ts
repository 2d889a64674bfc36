import type { OpenSessionQuery } from '../generated/graphql.ts'
import query from '../graphql/open-session.graphql?raw'
import { keptKey } from './kept-key.ts'

type Answer = { data?: OpenSessionQuery | null }

let asked: { key: string; id: string; answer: Promise<OpenSessionQuery | null> } | null = null

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
  const answer = request
    .then((response) => response.json() as Promise<Answer>)
    .then(
      ({ data }) => data ?? null,
      () => null,
    )
  asked = { key, id, answer }
}

/** Whose key it is, where that was asked already. */
export const readOpeningViewer = async (key: string): Promise<OpenSessionQuery['viewer'] | null> =>
  asked?.key === key ? ((await asked.answer)?.viewer ?? null) : null

/** The session as it was at the opening; given once, for it grows old. */
export const takeOpening = async (id: string): Promise<OpenSessionQuery | null> => {
  const opening = asked?.id === id ? asked.answer : null
  asked = null
  return opening
}
