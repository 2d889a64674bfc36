import type { Ask } from '../../../api/ask.ts'
import { SessionEventsDocument } from '../../../generated/graphql.ts'
import { PAGE, type SessionLog } from './session-log.ts'

const AT_ONCE = 3

/** Reads pages of the log that are looked at and not there. */
export const startPageReader = ({ ask, sessionId, log }: { ask: Ask; sessionId: string; log: SessionLog }) => {
  const reading = new Set<number>()
  let wanted: number[] = []

  const readNext = () => {
    while (reading.size < AT_ONCE) {
      const from = wanted.shift()
      if (from === undefined) return
      if (!reading.has(from)) void read(from)
    }
  }

  const read = async (from: number) => {
    reading.add(from)
    const { data } = await ask(SessionEventsDocument, { id: sessionId, afterSeq: from - 1, first: PAGE - ((from - 1) % PAGE) })
    reading.delete(from)
    // Without an answer the page stays unread, and is wanted again when somebody scrolls or the connection is back.
    if (data?.session) log.add(data.session.events.edges.map(({ node }) => node))
    readNext()
  }

  return {
    /** The newest wish counts: who scrolls on needs nothing of what was passed by. */
    want: (from: number, to: number) => {
      wanted = log.missing(from, to)
      readNext()
    },
  }
}
