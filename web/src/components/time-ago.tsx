import { createStore, useStore } from '../api/store.ts'
import { formatAge, formatDateTime } from './format.ts'

/** One clock for all ages on a page. */
const now = createStore(Date.now())
setInterval(() => now.set(Date.now()), 1_000)

export const TimeAgo = ({ iso }: { iso: string }) => (
  <time className="number" dateTime={iso} title={formatDateTime(iso)}>
    {formatAge(useStore(now) - Date.parse(iso))}
  </time>
)
