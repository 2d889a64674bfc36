import type { LogEventFragment, SessionLogSubscription } from '../../../generated/graphql.ts'
import { type Draft, withDelta } from './draft.ts'
import { toFields, toList, toText } from './read-payload.ts'

export type LogEvent = LogEventFragment
type Delta = Extract<SessionLogSubscription['sessionEvents'], { __typename: 'Delta' }>

/**
 * What the console holds of a session's log: pages of it, each event at its seq, and small indexes over all that has been seen. A log may
 * have any length: pages that nobody has looked at for longest are let go, and read again when somebody does.
 */
export type SessionLog = {
  /** Number of the newest event known of; each change raises `version`. */
  head(): number
  version(): number
  subscribe(listener: () => void): () => void
  event(seq: number): LogEvent | undefined
  /** Where what completes an event stands: the result of a tool call, the reading of a message, what came before a verdict. */
  companionSeq(event: LogEvent): number | undefined
  /** The answer that is streaming now. */
  draft(): Draft | null
  /** Events to jump between, oldest first. */
  marks(): readonly LogEvent[]
  add(events: readonly LogEvent[]): void
  /** Takes events into the indexes only: their place in the log is read when it is looked at. */
  note(events: readonly LogEvent[]): void
  addDelta(delta: Delta): void
  /** Of the pages these events stand on, the first seq of each that is not there; they count as looked at. */
  missing(from: number, to: number): number[]
}

export const PAGE = 100
/** About 20 MB of events as agents write them. */
const MAX_PAGES = 80

const MARKS = /^(condition\.(evaluated|waived)|budget\.|harness\.error|sandbox\.state|session\.rewound)/
/** With these the session goes on or rests; the others are the machinery's rhythm. */
const RESTS = new Set(['IDLE', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELED'])

export const isResting = (event: LogEvent): boolean =>
  event.type === 'session.status' && RESTS.has(toText(toFields(event.payload)['status']))

export const createSessionLog = (): SessionLog => {
  const pages = new Map<number, (LogEvent | undefined)[]>()
  const results = new Map<string, number>()
  const reads = new Map<number, number>()
  const marks = new Map<number, LogEvent>()
  const listeners = new Set<() => void>()
  let [head, version] = [0, 0]
  let draft: Draft | null = null
  let sortedMarks: LogEvent[] | null = null

  const changed = () => {
    version++
    for (const listener of listeners) listener()
  }

  const keep = (event: LogEvent) => {
    const number = Math.floor((event.seq - 1) / PAGE)
    const page = pages.get(number) ?? new Array<LogEvent | undefined>(PAGE)
    page[(event.seq - 1) % PAGE] = event
    pages.set(number, page)
    head = Math.max(head, event.seq)
  }

  const index = (event: LogEvent) => {
    const fields = toFields(event.payload)
    if (event.type === 'agent.tool_result') results.set(toText(fields['callId']), event.seq)
    if (event.type === 'user.message_read') for (const seq of toList(fields['seqs'])) reads.set(Number(seq), event.seq)
    if (MARKS.test(event.type) || isResting(event)) {
      marks.set(event.seq, event)
      sortedMarks = null
    }
    if (event.type === 'agent.message' && draft !== null && draft.turnId === fields['turnId']) draft = null
    // Stopped in the middle: no message of that turn comes. An earlier stop, read again, says nothing of it.
    if (event.seq === head && isResting(event)) draft = null
  }

  const letGo = () => {
    const newest = Math.floor((head - 1) / PAGE)
    for (const number of pages.keys()) {
      if (pages.size <= MAX_PAGES) return
      if (number < newest - 1) pages.delete(number)
    }
  }

  return {
    head: () => head,
    version: () => version,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    event: (seq) => pages.get(Math.floor((seq - 1) / PAGE))?.[(seq - 1) % PAGE],
    companionSeq: ({ seq, type, payload }) => {
      if (type === 'agent.tool_call') return results.get(toText(toFields(payload)['callId']))
      if (type === 'user.message') return reads.get(seq)
      return type === 'condition.evaluated' ? seq - 1 : undefined
    },
    draft: () => draft,
    marks: () => {
      sortedMarks ??= [...marks.values()].sort((one, other) => one.seq - other.seq)
      return sortedMarks
    },
    add: (events) => {
      if (events.length === 0) return
      for (const event of events) {
        keep(event)
        index(event)
      }
      letGo()
      changed()
    },
    note: (events) => {
      for (const event of events) index(event)
      changed()
    },
    addDelta: (delta) => {
      const next = withDelta(draft, delta)
      if (next === draft) return
      draft = next
      changed()
    },
    missing: (from, to) => {
      const found: number[] = []
      const first = Math.max(0, Math.floor((from - 1) / PAGE))
      for (let number = first; number * PAGE < Math.min(to, head); number++) {
        const page = pages.get(number)
        if (page) {
          // The order of a Map is that of insertion: looked at last, let go last.
          pages.delete(number)
          pages.set(number, page)
        }
        const size = Math.min(PAGE, head - number * PAGE)
        for (let at = 0; at < size; at++) {
          if (page?.[at]) continue
          found.push(number * PAGE + at + 1)
          break
        }
      }
      return found
    },
  }
}
