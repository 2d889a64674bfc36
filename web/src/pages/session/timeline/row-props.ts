import type { LogEvent, SessionLog } from '../log/session-log.ts'

/** What each row of the timeline is given. `onToggle` folds and unfolds it. */
export type RowProps = { event: LogEvent; log: SessionLog; open: boolean; onToggle: (seq: number) => void }
