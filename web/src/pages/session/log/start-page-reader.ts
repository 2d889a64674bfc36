import type { LiveClient } from '../../../api/live-client.ts'
import { SessionLogDocument } from '../../../generated/graphql.ts'
import { type LogEvent, PAGE, type SessionLog } from './session-log.ts'

const AT_ONCE = 3

/**
 * Reads pages of the log that are looked at and not there. A subscription may start after any event, which a list's cursors can't, so a
 * page is the first events of one that is left again.
 */
export const startPageReader = ({ live, sessionId, log }: { live: LiveClient; sessionId: string; log: SessionLog }) => {
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
    const found: LogEvent[] = []
    const last = Math.min(from + PAGE - 1, log.head())
    await live.take(SessionLogDocument, { id: sessionId, after: from - 1, deltas: false }, ({ sessionEvents: event }) => {
      if (event.__typename === 'Event') found.push(event)
      return (found.at(-1)?.seq ?? 0) < last
    })
    reading.delete(from)
    log.add(found)
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
