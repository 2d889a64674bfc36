import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import { type Client, Provider } from 'urql'
import { ViewerDocument, type ViewerQuery } from '../generated/graphql.ts'
import { type Ask, createAsk } from './ask.ts'
import { createHttpClient } from './http-client.ts'
import { keptKey } from './kept-key.ts'
import { createLiveClient, type LiveClient } from './live-client.ts'
import { openingAnswered, readOpeningViewer } from './opening.ts'
import type { Problem } from './problem.ts'

export type Viewer = ViewerQuery['viewer']

type SignedIn = {
  /** For what goes neither by GraphQL nor by the socket: files. */
  key: string
  viewer: Viewer
  live: LiveClient
  http: Client
  ask: Ask
  signOut: () => void
}

const Context = createContext<SignedIn | null>(null)

/** Who is signed in, and the connection that is theirs. */
export const useSignedIn = (): SignedIn => {
  const signedIn = useContext(Context)
  if (signedIn === null) throw new Error('a page stands outside of SessionOfTab')
  return signedIn
}

type Connection = { key: string; viewer: Viewer; http: Client; ask: Ask; live: LiveClient }

const connect = (key: string, viewer: Viewer, refused: () => void): Connection => ({
  key,
  viewer,
  http: createHttpClient(key, refused),
  ask: createAsk(key, refused),
  live: createLiveClient(key, refused),
})

const REVOKED = 'This key is no longer good: it was revoked, or it has expired.'

/** Shows `signIn` until a key is good, then `children` with its connections. */
export const SessionOfTab = (props: {
  signIn: (options: { onKey: (key: string) => Promise<Problem | null>; note: string | null }) => ReactNode
  opening: ReactNode
  children: ReactNode
}) => {
  const [note, setNote] = useState<string | null>(null)
  const leave = useMemo(
    () => (why: string | null) => {
      keptKey.forget()
      setNote(why)
      setConnection((open) => {
        open?.live.close()
        return null
      })
    },
    [],
  )
  // Whose key it is was asked at the opening, where all is to be drawn at once.
  const [connection, setConnection] = useState<Connection | null>(() => {
    const key = keptKey.read()
    const viewer = key === null ? null : readOpeningViewer(key)
    return key === null || viewer === null ? null : connect(key, viewer, () => leave(REVOKED))
  })
  const [opening, setOpening] = useState(connection === null && keptKey.read() !== null)

  const enter = useMemo(
    () =>
      async (key: string): Promise<Problem | null> => {
        const refused = () => leave(REVOKED)
        await openingAnswered()
        const known = readOpeningViewer(key)
        const { data, problem } = known ? { data: { viewer: known }, problem: null } : await createAsk(key, refused)(ViewerDocument, {})
        if (!data) return problem
        keptKey.write(key)
        setNote(null)
        setConnection(connect(key, data.viewer, refused))
        return null
      },
    [leave],
  )

  // biome-ignore lint/correctness/useExhaustiveDependencies: the key that was kept is tried once
  useEffect(() => {
    const key = keptKey.read()
    if (key === null || connection !== null) return
    void enter(key).then((problem) => {
      // The key stays where the network is the trouble: the next look may find it good.
      if (problem?.code === 'UNAUTHENTICATED') leave(problem.message)
      else if (problem) setNote(problem.message)
      setOpening(false)
    })
  }, [enter, leave])

  const signedIn = useMemo(() => connection && { ...connection, signOut: () => leave(null) }, [connection, leave])
  if (opening) return props.opening
  if (signedIn === null) return props.signIn({ onKey: enter, note })
  return (
    <Provider value={signedIn.http}>
      <Context value={signedIn}>{props.children}</Context>
    </Provider>
  )
}
