import { useSignedIn } from '../../../api/session-of-tab.tsx'
import { formatClock } from '../../../components/format.ts'
import { toFields, toText } from '../log/read-payload.ts'
import type { LogEvent } from '../log/session-log.ts'
import { Clock } from './clock.tsx'
import { Markdown } from './markdown.tsx'
import type { RowProps } from './row-props.ts'

/** When a message that nobody has read will be. */
const WAITS_FOR: Record<string, string> = {
  queue: 'waits until the agent ends its work at hand',
  steer: 'waits for the next model call',
  interrupt: 'stops the work at hand',
}

export const MessageRow = ({ event, companionSeq, companion, over }: RowProps) => {
  const { viewer } = useSignedIn()
  const fields = toFields(event.payload)
  const mode = toText(fields['mode'])
  return (
    <article className="message">
      <header className="row small">
        <strong>{event.actor === viewer.apiKey?.id ? 'You' : event.actor === 'operator' ? 'Operator' : 'Someone'}</strong>
        {event.actor !== viewer.apiKey?.id && <span className="quiet mono">{event.actor}</span>}
        <span className="quiet">{mode}</span>
        <Fate readSeq={companionSeq} read={companion} mode={mode} over={over} />
        <Clock event={event} />
      </header>
      <Markdown text={toText(fields['text'])} />
    </article>
  )
}

/** What became of it. */
type FateProps = { readSeq: number | undefined; read: LogEvent | undefined; mode: string; over: boolean }
const Fate = ({ readSeq, read, mode, over }: FateProps) => {
  if (readSeq === undefined && over) return <span className="fate quiet">was never read</span>
  if (readSeq === undefined) return <span className="fate warn">{WAITS_FOR[mode] ?? 'not read yet'}</span>
  return <span className="fate good">read{read && ` at ${formatClock(read.createdAt)}`}</span>
}
