import { useEffect, useState } from 'react'
import type { Problem } from '../../../api/problem.ts'
import { useSignedIn } from '../../../api/session-of-tab.tsx'
import { SessionLogDocument, type SessionStateFragment, SessionsBesideDocument } from '../../../generated/graphql.ts'

export type Both = { a: SessionStateFragment; b: SessionStateFragment }

/** Read again at most so often while either works. */
const REFRESH_MS = 500

/** Two sessions as they are now and as they go on. */
export const useBoth = (a: string, b: string): { both: Both | null; problem: Problem | null } => {
  const { ask, live } = useSignedIn()
  const [both, setBoth] = useState<Both | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)

  useEffect(() => {
    let left = false
    let waits = false
    const leave: (() => void)[] = []
    const read = async (): Promise<Both | null> => {
      const { data, problem: found } = await ask(SessionsBesideDocument, { a, b })
      if (left) return null
      setProblem(found)
      if (!data?.a || !data.b) return null
      const read = { a: data.a, b: data.b }
      setBoth(read)
      return read
    }
    const readSoon = () => {
      if (waits) return
      waits = true
      setTimeout(() => {
        waits = false
        if (!left) void read()
      }, REFRESH_MS)
    }
    const follow = ({ id, head }: SessionStateFragment) => {
      let seen = head
      const stop = live.follow(SessionLogDocument, {
        variables: () => ({ id, after: seen, deltas: false }),
        onNext: ({ sessionEvents: update }) => {
          if (update.__typename === 'Event') seen = Math.max(seen, update.seq)
          readSoon()
        },
      })
      leave.push(stop)
    }
    void read().then((found) => {
      if (found === null || left) return
      follow(found.a)
      follow(found.b)
    })
    return () => {
      left = true
      for (const stop of leave) stop()
    }
  }, [ask, live, a, b])

  return { both, problem }
}
