import { memo } from 'react'
import type { LogEvent } from '../log/session-log.ts'
import { AnswerRow } from './answer-row.tsx'
import { Clock } from './clock.tsx'
import { MessageRow } from './message-row.tsx'
import type { RowProps } from './row-props.ts'
import { type Row, toRow } from './to-row.ts'
import { LoneResultRow, ToolRow } from './tool-row.tsx'
import { VerdictRow } from './verdict-row.tsx'

export const EventRow = memo((props: RowProps) => {
  const row = toRow(props.event)
  switch (row.kind) {
    case 'hidden':
      return null
    case 'message':
      return <MessageRow {...props} />
    case 'answer':
      return <AnswerRow {...props} />
    case 'tool':
      return <ToolRow {...props} />
    case 'result':
      return <LoneResultRow {...props} />
    case 'verdict':
      return <VerdictRow {...props} />
    case 'mark':
      return <MarkRow event={props.event} row={row} />
  }
})

const MarkRow = ({ event, row }: { event: LogEvent; row: Extract<Row, { kind: 'mark' }> }) => (
  <div className="mark" data-tone={row.tone} data-type={event.type}>
    <span className="mark-label">{row.label}</span>
    <span className="mark-text">{row.text}</span>
    <Clock event={event} />
    {row.detail && <p className="mark-detail">{row.detail}</p>}
  </div>
)
