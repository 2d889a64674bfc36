import { useEffect, useMemo, useState } from 'react'
import { openingAnswered, takeOpening } from '../../../api/opening.ts'
import { type Problem, toProblem } from '../../../api/problem.ts'
import { useSignedIn } from '../../../api/session-of-tab.tsx'
import {
  OpenSessionDocument,
  SessionLogDocument,
  SessionMarksDocument,
  SessionStateDocument,
  type SessionStateFragment,
} from '../../../generated/graphql.ts'
import { createSessionLog, type LogEvent, type SessionLog } from './session-log.ts'
import { startPageReader } from './start-page-reader.ts'

export type OpenSession = {
  session: SessionStateFragment | null
  log: SessionLog
  problem: Problem | null
  /** Reads what stands beside the log again: conditions, money, status. */
  refresh: () => void
  /** Makes sure that the events of this stretch are read. */
  want: (from: number, to: number) => void
}

/** The state is read again at most so often while events come. */
const REFRESH_MS = 400
/** Events of these types leave the state as it was. */
const SILENT = new Set(['user.message_read', 'agent.tool_result'])

const toEvents = ({ edges }: { edges: { node: LogEvent }[] }): LogEvent[] => edges.map(({ node }) => node)

/** A session as it is now and as it goes on, through any break of the connection. */
export const useSession = (id: string): OpenSession => {
  const { ask, live } = useSignedIn()
  // What was asked at the opening is drawn at once, where it is there already.
  const opening = useMemo(() => takeOpening(id)?.session ?? null, [id])
  const log = useMemo(() => {
    const created = createSessionLog()
    if (opening) created.add(toEvents(opening.tail))
    return created
  }, [opening])
  const [session, setSession] = useState<SessionStateFragment | null>(opening)
  const [problem, setProblem] = useState<Problem | null>(null)

  const refresh = useMemo(() => {
    let waits = false
    return () => {
      if (waits) return
      waits = true
      setTimeout(async () => {
        waits = false
        const { data, problem } = await ask(SessionStateDocument, { id })
        if (data?.session) setSession(data.session)
        // Where nobody answers the badge says so, and the next event or connection asks again.
        else if (problem && problem.code !== 'OFFLINE' && problem.code !== 'UNAVAILABLE') setProblem(problem)
      }, REFRESH_MS)
    }
  }, [ask, id])

  const pages = useMemo(() => startPageReader({ ask, sessionId: id, log }), [ask, id, log])

  useEffect(() => {
    let ended = false
    let stop = () => {}
    const readMarks = async (): Promise<void> => {
      const { data } = await ask(SessionMarksDocument, { id })
      // Without them the marks are those of what has been scrolled by.
      if (data?.session) log.note([data.session.marks, data.session.reads].flatMap(toEvents))
    }
    const open = async (): Promise<void> => {
      if (log.head() === 0) {
        await openingAnswered()
        const late = takeOpening(id)
        const { data, problem } = late?.session ? { data: late, problem: null } : await ask(OpenSessionDocument, { id })
        if (ended) return
        if (!data?.session) {
          setProblem(problem ?? { code: 'NOT_FOUND', message: `There is no session ${id}.`, field: null, reason: null })
          return
        }
        setProblem(null)
        setSession(data.session)
        log.add(toEvents(data.session.tail))
      }
      void readMarks()
      let seen = log.head()
      const waiting: LogEvent[] = []
      stop = live.follow(SessionLogDocument, {
        variables: () => ({ id, after: seen, deltas: true }),
        onOpen: refresh,
        onNext: ({ sessionEvents: update }) => {
          if (update.__typename === 'Delta') return log.addDelta(update)
          if (update.seq <= seen) return
          seen = update.seq
          // A burst is drawn once a frame, not once an event.
          if (waiting.push(update) === 1) requestAnimationFrame(() => log.add(waiting.splice(0)))
          if (!SILENT.has(update.type)) refresh()
        },
        onFault: (errors) => setProblem(toProblem(errors)),
      })
    }
    void open()
    // Where the first look failed because nobody answered, the next connection is the next look.
    const retry = live.state.subscribe(() => {
      if (live.state.get() === 'live' && log.head() === 0) void open()
    })
    return () => {
      ended = true
      retry()
      stop()
    }
  }, [ask, live, id, log, refresh])

  return { session, log, problem, refresh, want: pages.want }
}
