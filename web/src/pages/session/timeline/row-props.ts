import type { LogEvent } from '../log/session-log.ts'

/** What each row of the timeline is given: nothing that changes while the row says the same, so that it is not drawn again. */
export type RowProps = {
  event: LogEvent
  /** Where what completes it stands (see `companionSeq`), and that event itself where it has been read. */
  companionSeq: number | undefined
  companion: LogEvent | undefined
  /** The session has ended for good. */
  over: boolean
  open: boolean
  /** Folds and unfolds it. */
  onToggle: (seq: number) => void
}
