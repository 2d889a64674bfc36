import { formatClock, formatDateTime } from '../../../components/format.ts'
import type { LogEvent } from '../log/session-log.ts'

export const Clock = ({ event }: { event: LogEvent }) => (
  <time className="clock number" dateTime={event.createdAt} title={`${formatDateTime(event.createdAt)}, event ${event.seq}`}>
    {formatClock(event.createdAt)}
  </time>
)
