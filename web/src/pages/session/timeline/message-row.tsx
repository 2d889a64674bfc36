import { useSignedIn } from '../../../api/session-of-tab.tsx'
import { formatClock } from '../../../components/format.ts'
import { toFields, toText } from '../log/read-payload.ts'
import { Clock } from './clock.tsx'
import { Markdown } from './markdown.tsx'
import type { RowProps } from './row-props.ts'

/** When a message that nobody has read will be. */
const WAITS_FOR: Record<string, string> = {
  queue: 'waits until the agent ends its work at hand',
  steer: 'waits for the next model call',
  interrupt: 'stops the work at hand',
}

export const MessageRow = ({ event, log }: RowProps) => {
  const { viewer } = useSignedIn()
  const fields = toFields(event.payload)
  const mode = toText(fields['mode'])
  return (
    <article className="message">
      <header className="row small">
        <strong>{event.actor === viewer.apiKey?.id ? 'You' : event.actor === 'operator' ? 'Operator' : 'Someone'}</strong>
        {event.actor !== viewer.apiKey?.id && <span className="quiet mono">{event.actor}</span>}
        <span className="quiet">{mode}</span>
        <Fate readAt={log.readAt(event.seq)} mode={mode} log={log} />
        <Clock event={event} />
      </header>
      <Markdown text={toText(fields['text'])} />
    </article>
  )
}

/** What became of it. */
const Fate = ({ readAt, mode, log }: { readAt: number | undefined; mode: string; log: RowProps['log'] }) => {
  if (readAt === undefined) return <span className="fate warn">{WAITS_FOR[mode] ?? 'not read yet'}</span>
  const read = log.event(readAt)
  return <span className="fate good">read{read && ` at ${formatClock(read.createdAt)}`}</span>
}
